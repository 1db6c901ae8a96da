-- Requests that the gateway makes itself, at the listener that leads them to the Service they name.

-- Sockets are more than what the collector counts of them, and take two of its rounds to go: left to itself it falls behind, and memory grows.
local MOST_LEFT = 200
local sockets_left = 0
core.register_task(function()
  while true do
    core.msleep(500)
    if sockets_left >= MOST_LEFT then
      sockets_left = 0
      collectgarbage()
      collectgarbage()
    end
  end
end)

local OF_THE_CONNECTION = {
  connection = true, ["content-length"] = true, expect = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, upgrade = true, ["x-sampan-mirror"] = true,
}

-- Adds the headers of the request to these lines, but for those of its connection and those that are not taken.
local function add_headers(txn, lines, is_taken)
  for name, values in pairs(txn.http:req_get_headers()) do
    if not OF_THE_CONNECTION[name] and (is_taken == nil or is_taken(name)) then
      for _, value in pairs(values) do lines[#lines + 1] = name .. ": " .. value end
    end
  end
end

-- What `read` makes of the answer of who listens there; nil when it cannot be asked for.
local function ask_at(place, seconds, text, read)
  local socket = core.tcp()
  socket:settimeout(seconds)
  local first, second
  if socket:connect(place) and socket:send(text) then first, second = read(socket) end
  socket:close()
  sockets_left = sockets_left + 1
  return first, second
end

local function ask_inner(seconds, text, read) return ask_at(mirrors, seconds, text, read) end
