-- SELECT DISTINCT over a changelog.
SELECT DISTINCT owner, branch FROM accounts
