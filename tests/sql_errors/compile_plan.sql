COMPILE PLAN '/tmp/plan.json' FOR INSERT INTO bids SELECT * FROM bids;
