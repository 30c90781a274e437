-- The tables of TPC-H as changelogs: rows come, change and go.
CREATE TABLE region (r_regionkey INT NOT NULL, r_name STRING, PRIMARY KEY (r_regionkey) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
CREATE TABLE nation (n_nationkey INT NOT NULL, n_name STRING, n_regionkey INT, PRIMARY KEY (n_nationkey) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka');
CREATE TABLE supplier (
  s_suppkey INT NOT NULL, s_name STRING, s_address STRING, s_nationkey INT, s_phone STRING, s_acctbal DECIMAL(15, 2),
  s_comment STRING, PRIMARY KEY (s_suppkey) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE TABLE part (
  p_partkey INT NOT NULL, p_name STRING, p_mfgr STRING, p_brand STRING, p_type STRING, p_size INT, p_container STRING,
  PRIMARY KEY (p_partkey) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE TABLE partsupp (
  ps_partkey INT NOT NULL, ps_suppkey INT NOT NULL, ps_availqty INT, ps_supplycost DECIMAL(15, 2),
  PRIMARY KEY (ps_partkey, ps_suppkey) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE TABLE customer (
  c_custkey INT NOT NULL, c_name STRING, c_address STRING, c_nationkey INT, c_phone STRING, c_acctbal DECIMAL(15, 2),
  c_mktsegment STRING, c_comment STRING, PRIMARY KEY (c_custkey) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE TABLE orders (
  o_orderkey INT NOT NULL, o_custkey INT, o_orderstatus STRING, o_totalprice DECIMAL(15, 2), o_orderdate DATE,
  o_orderpriority STRING, o_shippriority INT, o_comment STRING, PRIMARY KEY (o_orderkey) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
CREATE TABLE lineitem (
  l_orderkey INT NOT NULL, l_linenumber INT NOT NULL, l_partkey INT, l_suppkey INT, l_quantity DECIMAL(15, 2),
  l_extendedprice DECIMAL(15, 2), l_discount DECIMAL(15, 2), l_tax DECIMAL(15, 2), l_returnflag STRING,
  l_linestatus STRING, l_shipdate DATE, l_commitdate DATE, l_receiptdate DATE, l_shipinstruct STRING, l_shipmode STRING,
  PRIMARY KEY (l_orderkey, l_linenumber) NOT ENFORCED
) WITH ('connector' = 'upsert-kafka');
