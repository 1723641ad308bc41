-- Random nodes, their requests written beforehand so that wrk itself costs little.
-- wrk -s wrk.lua URL -- <number of nodes> <seed> <token>
local threads, turn, requests = 0, 0, {}

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(arguments)
  math.randomseed(tonumber(arguments[2]) * 100 + number)
  local headers = { Authorization = "Bearer " .. arguments[3], Accept = "application/json" }
  for n = 1, 20000 do
    local node = math.random(0, tonumber(arguments[1]) - 1)
    requests[n] = wrk.format("GET", string.format("/pillar/node-%06d", node), headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "bytes": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
