DESCRIBE JOB 'revenue';
