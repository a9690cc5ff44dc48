#!/bin/sh
# Charges an order, which comes on stdin; HOLDFAST_JOB_* variables have the rest.
read -r order
if [ "$HOLDFAST_JOB_KEY" = ben ] && [ "$HOLDFAST_JOB_ATTEMPT" = 1 ]; then
	echo "account locked" >&2
	exit 75 # the job runs again
fi
sleep 1 # a slow bank
echo "$HOLDFAST_JOB_KEY $order" >>charged
