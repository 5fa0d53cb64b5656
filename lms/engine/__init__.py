"""The child process that holds one model. Other packages import `lms.engine.protocol` only."""
