-- Which policies there are for a Service, and what one says: read once for each text. Texts are long, and each turn of a breaker is another one.
local read = memory(256)
local services = setmetatable({}, { __mode = "k" })

local function words_of(key)
  local text = policies:lookup(key)
  if text == nil then return nil end
  local words = read(text)
  if words ~= nil then return words end
  words = {}
  for word in text:gmatch("[^,]+") do words[#words + 1] = word end
  return read(text, words)
end

-- Number of the policy whose path is the longest that this path begins with, element by element.
local function policy_for(key, path)
  local words = words_of(key)
  if words == nil then return nil end
  local places = services[words]
  if places == nil then
    places = {}
    local at = 1
    while at < #words do
      local number, count = words[at], tonumber(words[at + 1])
      if count == 0 then places[#places + 1] = { number = number, length = -1 } end
      for one = 1, count do
        local front = unhex(words[at + 1 + one])
        places[#places + 1] = { number = number, front = front .. "/", length = #front }
      end
      at = at + 2 + count
    end
    services[words] = places
  end
  local whole = path .. "/"
  local best = nil
  for at = 1, #places do
    local place = places[at]
    local holds = place.front == nil or whole:sub(1, #place.front) == place.front
    if holds and (best == nil or place.length > best.length) then best = place end
  end
  return best and best.number
end

-- Answers in the place of the Service: `b` its breaker is open, `l` it is beyond a limit.
local function shed(txn, why, number, words)
  txn:set_var("txn.policy", number .. why)
  local reply
  if why == "b" then
    reply = txn:reply({ status = tonumber(words[4]), body = unhex(words[6]) })
    reply:add_header("content-type", unhex(words[5]))
    reply:add_header("x-sampan-shed", "breaker")
  else
    reply = txn:reply({ status = 429, body = "too many requests\n" })
    reply:add_header("content-type", "text/plain")
    reply:add_header("x-sampan-shed", "rate-limit")
    reply:add_header("retry-after", tostring(txn:get_var("txn.after") or 1))
  end
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
end

core.register_action("govern", { "http-req" }, function(txn)
  local key = governed:lookup(txn.f:be_name())
  if key == nil then return end
  local number = policy_for("s" .. key, txn:get_var("txn.path") or txn.sf:path())
  local words = number and words_of("p" .. number)
  if words == nil then return end
  txn:set_var("txn.policy", number)
  if words[1] == "o" then return shed(txn, "b", number, words) end
  if words[1] == "h" then
    txn:set_var("txn.policy", number .. "p" .. words[2])
    txn:set_var("txn.probe", number .. "/" .. words[2])
    txn:set_var("txn.permits", tonumber(words[3]))
  end
  for at = 1, tonumber(words[7]) do
    local from = 7 + (at - 1) * 4
    local period, most, by = tonumber(words[from + 1]), tonumber(words[from + 2]), words[from + 3]
    local who = ""
    if by == "s" then who = txn.sf:src()
    elseif by == "h" then
      who = txn.sf:req_fhdr(unhex(words[from + 4]))
      -- What is longer than a key would be cut, and then be somebody else's.
      if #who > 32 then who = "#" .. txn.c:hex(txn.c:sha1(who)) end
    end
    txn:set_var("txn.limit" .. at, number .. "/" .. at .. "/" .. who)
    txn:set_var("txn.most" .. at, most)
    txn:set_var("txn.period" .. at, period)
    txn:set_var("txn.after", math.ceil(period / most))
  end
end)

core.register_action("shed", { "http-req" }, function(txn, why)
  local number = (txn:get_var("txn.policy") or ""):match("^%d+")
  shed(txn, why, number, words_of("p" .. number) or { "o", "0", "0", "503", "746578742f706c61696e", "0", "0" })
end, 1)
