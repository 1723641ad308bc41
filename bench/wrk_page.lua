-- One page for somebody who is signed in; each answer is looked at: 200, and whole.
-- wrk -s wrk_page.lua URL -- <cookie> <bytes at least>
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  wrk.headers["Cookie"], wrk.headers["Accept"] = arguments[1], "text/html"
  least, bad = tonumber(arguments[2]), 0
end

function response(status, headers, body)
  if status ~= 200 or #body < least or not body:find("</html>%s*$", -12) then bad = bad + 1 end
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  for _, thread in ipairs(threads) do failed = failed + thread:get("bad") end
  io.write(string.format(
    '\n{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "failed": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
