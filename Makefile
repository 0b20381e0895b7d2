# The commands of this project; the scripts behind them say how.
.PHONY: run test check cross bench demo soak setup

run test check cross bench demo soak setup:
	@scripts/$@
