"""What the tests share. No test file imports another one."""
