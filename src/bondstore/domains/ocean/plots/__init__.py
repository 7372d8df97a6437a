"""Pictures of profiles, deployments and where they were taken."""
