STOP JOB revenue;
