"""What a bucket announces, read as it comes: webhooks (`octavo listen`) and queues (`octavo consume`)."""
