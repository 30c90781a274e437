EXPLAIN SELECT 'one '
  'two ' 'three';
