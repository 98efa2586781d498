#!/bin/sh
# Reports a push to swrhook, then waits until the image is verified in every target region.
# Needs curl and jq, and these variables:
#
#   SWRHOOK_URL           https://swrhook.example.com
#   SWRHOOK_SENDER        the sender in swrhook.yaml; by default ci
#   SWRHOOK_SENDER_TOKEN  its secret, with the authentication scheme `bearer`
#   SWRHOOK_TOKEN         a token of access.tokens with the role read, for the wait
#   IMAGE                 organization/repository:tag, with or without SWR's host; or instead
#   METADATA_FILE         what `docker buildx build --metadata-file` has written
#   DIGEST, EVENT_ID      optional: the image's digest; an id that a repeated report has too
#   TIMEOUT               seconds to wait, by default 1800; 0 only reports
#   OUTPUT_FILE           optional: gets lines NAME=VALUE with delivery, outcome and state
#   RESULT_FOLDER         optional: gets a file for each of these
#
# Exit code 0: verified, or reported if TIMEOUT is 0. 1: not, and the last lines say why.
set -eu

: "${SWRHOOK_URL:?is not set}" "${SWRHOOK_SENDER_TOKEN:?is not set}"
sender=${SWRHOOK_SENDER:-ci}
timeout=${TIMEOUT:-1800}
answer=$(mktemp)
body=$(mktemp)
trap 'rm -f "$answer" "$body"' EXIT

output() {
  echo "$1: $2"
  if [ -n "${OUTPUT_FILE:-}" ]; then printf '%s=%s\n' "$1" "$2" >>"$OUTPUT_FILE"; fi
  if [ -n "${RESULT_FOLDER:-}" ]; then printf %s "$2" >"$RESULT_FOLDER/$1"; fi
}

fail() {
  output state "$1"
  echo "swrhook: $2" >&2
  exit 1
}

check_variables() {
  case $timeout in
    '' | *[!0-9]*) fail failed "TIMEOUT is \"$timeout\", but must be seconds, such as 1800" ;;
  esac
  if [ "$timeout" -gt 0 ] && [ -z "${SWRHOOK_TOKEN:-}" ]; then
    fail failed "SWRHOOK_TOKEN is not set: it needs a token with the role read to wait"
  fi
  if [ -n "${METADATA_FILE:-}" ] && ! [ -r "$METADATA_FILE" ]; then
    fail failed "METADATA_FILE: there is no file $METADATA_FILE; docker buildx build writes it"
  fi
  if [ -z "${METADATA_FILE:-}${IMAGE:-}" ]; then
    fail failed "neither IMAGE nor METADATA_FILE is set: one of them says what was pushed"
  fi
}

write_body() {
  if [ -n "${METADATA_FILE:-}" ]; then
    cat "$METADATA_FILE"
  else
    jq -n --arg image "$IMAGE" --arg digest "${DIGEST:-}" \
      --arg id "${EVENT_ID:-}" '{$image, $digest, $id} | map_values(select(. != ""))'
  fi
}

# Sends a request and prints its status. The token goes over standard input, so that the list of
# processes does not show it.
request() {
  token=$(printf %s "$1" | sed 's/[\\"]/\\&/g')
  shift
  printf 'header = "Authorization: Bearer %s"\n' "$token" |
    curl --config - --silent --show-error --output "$answer" --write-out '%{http_code}' "$@"
}

report() {
  request "$SWRHOOK_SENDER_TOKEN" --max-time 60 --retry 5 --retry-all-errors \
    --header 'Content-Type: application/json' --data-binary @"$body" "$SWRHOOK_URL/hooks/$sender"
}

poll() {
  request "$SWRHOOK_TOKEN" --max-time 90 --get --data-urlencode "image=$1" \
    --data-urlencode "delivery=$delivery" --data timeout="$2" "$SWRHOOK_URL/api/v1/wait"
}

detail() {
  jq -r '.reasons // [.detail] | join("; ")' "$answer" 2>/dev/null || head -c 200 "$answer"
}

check_variables
write_body >"$body"
status=$(report) || fail failed "$SWRHOOK_URL cannot be reached"
case $status in
  2*) ;;
  *) fail failed "the report was answered $status: $(detail)" ;;
esac
delivery=$(jq -r .delivery "$answer")
outcome=$(jq -r .outcome "$answer")
output delivery "$delivery"
output outcome "$outcome"
images=$(jq -r '[.syncs[].image] | unique | .[]' "$answer")
if [ -z "$images" ]; then fail "$outcome" "no sync: $(jq -r .reason "$answer")"; fi
if [ "$timeout" -eq 0 ]; then
  output state reported
  exit 0
fi

deadline=$(($(date +%s) + timeout))
for image in $images; do
  while :; do
    rest=$((deadline - $(date +%s)))
    if [ "$rest" -gt 30 ]; then rest=30; elif [ "$rest" -lt 0 ]; then rest=0; fi
    status=$(poll "$image" "$rest") || status=unreachable
    case $status in
      200) break ;;
      404 | 409)
        jq -r '.syncs[] | "\(.target_region)/\(.target_namespace): \(.state): \(.reason // "")"' \
          "$answer" >&2
        fail failed "$image: $(detail)"
        ;;
      401 | 403 | 422) fail failed "the wait was answered $status: $(detail)" ;;
    esac
    if [ "$(date +%s)" -ge "$deadline" ]; then
      fail timeout "$image is not verified after $timeout s (last answer: $status)"
    fi
    if [ "$status" != 408 ]; then sleep 2; fi
  done
  places=$(jq -r '[.syncs[] | "\(.target_region)/\(.target_namespace)"] | join(", ")' "$answer")
  echo "$image: verified in $places"
done
output state verified
