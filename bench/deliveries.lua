-- For wrk: sends each line of a file, "SIGNATURE BODY", as a signed delivery, and prints the results
-- as one line of JSON.

local prepared, number = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local signature, body = line:match("^(%S+) (.*)$")
    local headers = {["Content-Type"] = "application/json", ["X-Signature"] = signature}
    prepared[#prepared + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  number = number % #prepared + 1
  return prepared[number]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"count": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\n',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
