SET 'python.files' = 'functions.py';
