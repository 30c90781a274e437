USE MODULES hive, core;
