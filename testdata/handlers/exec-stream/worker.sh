#!/bin/sh
# A child of mode stream: reads a job per line, works on them at the same time, and answers
# each by its id as soon as it is done. Needs nothing but sh and sed.
#
# "id" comes first in the line of a job, and is digits; "value" comes last.
cd "${0%/*}" || exit

# text NAME LINE: the field of a job, if it is text without escapes.
text() { printf '%s\n' "$2" | sed -n 's/.*"'"$1"'":"\([^"\\]*\)".*/\1/p'; }

charge() {
	id=${1#'{"id":"'} id=${id%%'"'*}
	customer=$(text key "$1") amount=$(text value "$1")
	case $amount in
	'' | *[!0-9.]*) # not an amount, at no attempt
		printf '{"id":"%s","error":"not an amount","give_up":true}\n' "$id"
		return
		;;
	esac
	case $customer,$1 in
	ben,*'"attempt":1,'*) # an outage, which passes
		printf '{"id":"%s","error":"the bank does not answer","retry_after":"200ms"}\n' "$id"
		return
		;;
	esac
	echo "$customer $amount" >>charged
	printf '{"id":"%s","ok":true}\n' "$id"
}

# read fails where a line is cut off, which is no job then.
while IFS= read -r line; do
	case $line in
	'{"id":"'*) charge "$line" & ;;
	'{"cancel":"'*) ;; # a charge is quick: it is answered all the same
	esac
done
wait # stdin has ended: what is under way is finished first
