"""What is told while work goes on: counts, logs, metrics, who looks on."""
