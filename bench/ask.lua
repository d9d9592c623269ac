-- What wrk asks: GETs of the paths in $PATHS with the keys in $KEYS, one a line, each key with
-- every so many paths. All requests are written before the first is sent.
local most = 20000
local requests, next_one = {}, 0

local function lines(name)
  local found = {}
  for line in io.lines(os.getenv(name)) do found[#found + 1] = line end
  return found
end

init = function()
  local keys, paths = lines("KEYS"), lines("PATHS")
  for place = 1, math.min(most, #keys * #paths) do
    requests[place] = "GET " .. paths[(place - 1) % #paths + 1] .. " HTTP/1.1\r\n"
      .. "Host: api.example.com\r\n"
      .. "Authorization: Bearer " .. keys[(place * 7919) % #keys + 1] .. "\r\n"
      .. "User-Agent: deploy-script/1.0\r\n"
      .. "Accept: application/json\r\n\r\n"
  end
end

request = function()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "micros": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
