"""Quality control: tests over whole columns, suites of them, and how flags roll up."""
