-- Objects of groups of one row, since Flink's members have no order.
SELECT id, JSON_OBJECTAGG(KEY n VALUE i) AS kept, JSON_OBJECTAGG(KEY n VALUE i NULL ON NULL) AS given, JSON_OBJECTAGG(KEY n VALUE i ABSENT ON NULL) AS absent FROM kinds GROUP BY id
