#!/bin/sh
# Charges an amount to a customer: one line per charge in the file "charged".
set -eu
customer=${HOLDFAST_JOB_KEY-nobody}
amount=$(cat)

case $amount in
'' | *[!0-9.]*) # not an amount, at no attempt
	echo "not an amount: $amount" >&2
	exit 65
	;;
esac
if [ "$customer" = ben ] && [ "$HOLDFAST_JOB_ATTEMPT" = 1 ]; then # an outage, which passes
	echo "the bank does not answer" >&2
	exit 75
fi
echo "$customer $amount $HOLDFAST_JOB_ID" >>"${0%/*}/charged"
