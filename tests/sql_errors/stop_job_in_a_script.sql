STOP JOB 'revenue';
