SET 'pipeline.jars' = 'file:///x.jar';
