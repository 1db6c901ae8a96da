-- Carries out the programs of src/routing: which rule takes a request, which share of it a client gets, and what is changed on the way.
-- It is loaded once for each thread, runs for those requests alone whose route is a program, and reaches nothing but its maps.
-- `folder`, that of the maps, is said in a line before this one.

local exact = Map.new(folder .. "/exact.map", Map._str)
local prefix = Map.new(folder .. "/prefix.map", Map._beg)
local defaults = Map.new(folder .. "/defaults.map", Map._str)
local programs = Map.new(folder .. "/programs.map", Map._str)
local governed = Map.new(folder .. "/governed.map", Map._str)
local policies = Map.new(folder .. "/policies.map", Map._str)

local MASK = 0xffffffff
local MATCHES_ALL = 255
local MOST_KNOWN = 4096
local GOLDEN = 0.6180339887498949
local COOKIE = "sampan-client"

-- Numbers that differ between threads and processes, for clients that are new.
math.randomseed(os.time() ~ (tonumber(tostring({}):match("0x(%x+)"), 16) or 0))

local function mix(value)
  local hash = value & MASK
  hash = ((hash ~ (hash >> 16)) * 0x85ebca6b) & MASK
  hash = ((hash ~ (hash >> 13)) * 0xc2b2ae35) & MASK
  return hash ~ (hash >> 16)
end

-- Fetches of a truth value give a number or a boolean, by their kind.
local function is_secure(txn)
  local value = txn.f:ssl_fc()
  return value == true or value == 1
end

local function hash32(text)
  local hash = 0x811c9dc5
  for at = 1, #text do hash = ((hash ~ text:byte(at)) * 0x01000193) & MASK end
  return mix(hash)
end

local function unhex(word)
  if word == "0" then return "" end
  return (word:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- One function for each kind of match: it gets a text, or nil.
local function read_text(take)
  local how = take()
  if how == "a" then return function(text) return text ~= nil end end
  if how == "e" then
    local wanted = unhex(take())
    return function(text) return text == wanted end
  end
  if how == "p" then
    local wanted = unhex(take())
    return function(text) return text ~= nil and text:sub(1, #wanted) == wanted end
  end
  local count, class_hex, next_hex, ends = tonumber(take()), take(), take(), take()
  local classes, steps, position = {}, {}, 0
  for pair in class_hex:gmatch("%x%x") do classes[position] = tonumber(pair, 16); position = position + 1 end
  position = 0
  for pair in next_hex:gmatch("%x%x") do steps[position] = tonumber(pair, 16); position = position + 1 end
  return function(text)
    if text == nil then return false end
    local state = 0
    for at = 1, #text do
      local byte = text:byte(at)
      state = steps[state * count + classes[byte < 128 and byte or 128]]
      if state == MATCHES_ALL then return true end
    end
    return ends:byte(state + 1) == 49
  end
end

local function address_number(text)
  local a, b, c, d = (text or ""):match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a == nil then return nil end
  return (a << 24) | (b << 16) | (c << 8) | d
end

-- One function for each condition: it gets the transaction.
local function read_condition(take)
  local kind = take()
  if kind == "T" then return nil end
  if kind == "A" or kind == "O" then
    local of, wanted = {}, kind == "A"
    for at = 1, tonumber(take()) do of[at] = read_condition(take) or function() return true end end
    return function(txn)
      for at = 1, #of do if of[at](txn) ~= wanted then return not wanted end end
      return wanted
    end
  end
  if kind == "N" then
    local of = read_condition(take) or function() return true end
    return function(txn) return not of(txn) end
  end
  if kind == "M" then
    local wanted = unhex(take())
    return function(txn) return txn.sf:method() == wanted end
  end
  if kind == "X" then
    local wanted = take() == "https"
    return function(txn) return is_secure(txn) == wanted end
  end
  if kind == "S" then
    local network, bits = tonumber(take()), tonumber(take())
    local shift = 32 - bits
    return function(txn)
      local address = address_number(txn.sf:src())
      return address ~= nil and address >> shift == network >> shift
    end
  end
  if kind == "V" or kind == "P" then
    local variable, matches = kind == "V" and "txn.host" or "txn.path", read_text(take)
    return function(txn) return matches(txn:get_var(variable)) end
  end
  local name, matches = unhex(take()), read_text(take)
  if kind == "H" then return function(txn) return matches(txn.f:req_fhdr(name)) end end
  if kind == "C" then return function(txn) return matches(txn.f:req_cook(name)) end end
  return function(txn)
    local value = txn.f:url_param(name)
    return matches(value and txn.c:url_dec(value, 1))
  end
end

local function read_edits(take)
  local edits = {}
  for at = 1, tonumber(take()) do
    local kind = take()
    if kind == "q" or kind == "a" then edits[at] = { kind = kind, how = take(), name = unhex(take()), value = unhex(take()) }
    elseif kind == "o" then edits[at] = { kind = kind, host = unhex(take()) }
    else
      local off, to = take(), unhex(take())
      edits[at] = { kind = kind, off = off ~= "all" and unhex(off) or nil, to = to }
    end
  end
  return edits
end

local function read_stick(take)
  local by = take()
  if by == "-" then return nil end
  if by == "h" then return { by = by, name = unhex(take()), salt = unhex(take()) } end
  return { by = by, salt = unhex(take()) }
end

local function read_rule(take, number)
  local rule = { when = read_condition(take) }
  if take() == "D" then
    rule.status = tonumber(take())
    local scheme, host, port = take(), take(), take()
    rule.scheme = scheme ~= "-" and scheme or nil
    rule.host = host ~= "-" and unhex(host) or nil
    rule.port = tonumber(port)
    local off, to = take(), take()
    if to ~= "-" then rule.path = { off = off ~= "all" and unhex(off) or nil, to = unhex(to) } end
    rule.edits = read_edits(take)
  else
    rule.stick = read_stick(take)
    rule.shares, rule.total = {}, 0
    for at = 1, tonumber(take()) do
      local share = { id = tonumber(take()), backend = take(), weight = tonumber(take()) }
      share.edits = read_edits(take)
      rule.shares[at], rule.total = share, rule.total + share.weight
    end
    rule.turn = math.random()
    rule.edits = read_edits(take)
    rule.timeout = tonumber(take())
  end
  return rule
end

-- What was read, by the text itself: a program that changes is another text.
local known, known_count = {}, 0

local function program_of(number)
  local text = programs:lookup(number)
  if text == nil then return nil end
  local rules = known[text]
  if rules ~= nil then return rules end
  if known_count >= MOST_KNOWN then known, known_count = {}, 0 end
  local words = text:gmatch("[^,]+")
  rules = {}
  for word in words do
    if word == "R" then rules[#rules + 1] = read_rule(words, number) end
  end
  known[text], known_count = rules, known_count + 1
  return rules
end

local function draw(rule)
  -- Evenly spread instead of random: each share is as near to its weight as whole requests allow.
  rule.turn = rule.turn + GOLDEN
  rule.turn = rule.turn - math.floor(rule.turn)
  local left = rule.turn * rule.total
  for at = 1, #rule.shares do
    local share = rule.shares[at]
    if left < share.weight then return share end
    left = left - share.weight
  end
  return rule.shares[#rule.shares]
end

local function spread(rule, client)
  local best, best_score = nil, 0
  for at = 1, #rule.shares do
    local share = rule.shares[at]
    local score = share.weight / -math.log((mix(client ~ share.id) + 0.5) / 4294967296)
    if best == nil or score > best_score then best, best_score = share, score end
  end
  return best
end

local function choose(txn, rule)
  local stick = rule.stick
  if stick == nil then return draw(rule) end
  local client
  if stick.by == "c" then
    client = txn.sf:req_cook(COOKIE)
    if not client:match("^%x+$") or #client ~= 16 then
      client = string.format("%08x%08x", math.random(0, MASK), math.random(0, MASK))
      txn:set_var("txn.client", client)
    end
  elseif stick.by == "s" then client = txn.sf:src()
  else client = txn.sf:req_fhdr(stick.name) end
  if client == "" then return draw(rule) end
  return spread(rule, hash32(stick.salt .. "/" .. client))
end

-- A path with a part of its front exchanged, element by element.
local function exchanged(path, change)
  if change.off == nil then return change.to end
  local rest = path:sub(#change.off + 1)
  local front = change.to
  if rest ~= "" and rest:sub(1, 1) ~= "/" then rest = "/" .. rest end
  if rest ~= "" and front:sub(-1) == "/" then front = front:sub(1, -2) end
  local whole = front .. rest
  return whole == "" and "/" or whole
end

local function redirect(txn, rule)
  local scheme = rule.scheme or (is_secure(txn) and "https" or "http")
  local host = rule.host or txn:get_var("txn.host")
  local port = rule.port
  if port == nil and rule.scheme == nil then port = tonumber(txn.f:dst_port()) end
  local path = txn:get_var("txn.path")
  if rule.path ~= nil then path = exchanged(path, rule.path) end
  local query = txn.sf:query()
  local place = scheme .. "://" .. host
  if port ~= nil and port ~= (scheme == "https" and 443 or 80) then place = place .. ":" .. port end
  local reply = txn:reply({ status = rule.status })
  reply:add_header("location", place .. path .. (query ~= "" and "?" .. query or ""))
  for at = 1, #rule.edits do
    if rule.edits[at].how ~= "remove" then reply:add_header(rule.edits[at].name, rule.edits[at].value) end
  end
  txn:done(reply)
end

-- Changes the request, and notes what is to be changed of its answer.
local function carry_out(txn, edits, later)
  for at = 1, #edits do
    local one = edits[at]
    if one.kind == "a" then later[#later + 1] = one
    elseif one.kind == "o" then txn.http:req_set_header("host", one.host)
    elseif one.kind == "w" then txn.http:req_set_path(exchanged(txn:get_var("txn.path"), one))
    elseif one.how == "set" then txn.http:req_set_header(one.name, one.value)
    elseif one.how == "add" then txn.http:req_add_header(one.name, one.value)
    else txn.http:req_del_header(one.name) end
  end
end

core.register_action("answer", { "http-res" }, function(txn)
  local edits = txn:get_priv()
  for at = 1, edits and #edits or 0 do
    local one = edits[at]
    if one.how == "set" then txn.http:res_set_header(one.name, one.value)
    elseif one.how == "add" then txn.http:res_add_header(one.name, one.value)
    else txn.http:res_del_header(one.name) end
  end
end)

-- True when a rule of the program takes the request. `p` alone is a route that has none for requests that come this way.
local function run(txn, value)
  if value:sub(1, 2) == "s:" then value = value:match(is_secure(txn) and "^s:[^:]*:(.*)$" or "^s:([^:]*):") end
  local number = value:match("^p(%d*)")
  if number == "" then return false end
  if number == nil then
    txn:set_var("txn.backend", value)
    return true
  end
  local rules = program_of(number)
  for at = 1, rules and #rules or 0 do
    local rule = rules[at]
    if rule.when == nil or rule.when(txn) then
      if rule.status ~= nil then redirect(txn, rule) return true end
      if #rule.shares == 0 then txn:set_var("txn.backend", "none") return true end
      local share = choose(txn, rule)
      txn:set_var("txn.backend", share.backend)
      if rule.timeout ~= nil then txn:set_var("txn.timeout", rule.timeout) end
      local later = {}
      carry_out(txn, rule.edits, later)
      carry_out(txn, share.edits, later)
      if #later > 0 then
        txn:set_priv(later)
        txn:set_var("txn.answer", 1)
      end
      return true
    end
  end
  return false
end

-- Rules of a host, the most exact path first; the empty host is any.
local function by_path(txn, host, path)
  local found = exact:lookup(host .. path)
  if found ~= nil and run(txn, found) then return true end
  local rest = path .. "/"
  while rest ~= "" do
    found = prefix:lookup(host .. rest)
    -- The longest one that this begins with; where its rules do not take the request, a shorter one is asked.
    if found == nil then return false end
    if run(txn, found) then return true end
    local length = found:match("p%d*/(%d+)")
    rest = rest:sub(1, tonumber(length or 0) - #host - 1):match("^(.*/)") or ""
  end
  return false
end

core.register_action("route", { "http-req" }, function(txn)
  local host, path, space = txn:get_var("txn.host") or "", txn:get_var("txn.path") or "/", txn:get_var("txn.space") or ""
  local family = host:gsub("^[^.]+", "*", 1)
  if by_path(txn, space .. host, path) or by_path(txn, space .. family, path) then return end
  -- Hosts that have more names in front than one.
  local rest = host:match("^[^.]+%.[^.]+%.(.+)$")
  while rest ~= nil do
    if by_path(txn, space .. "**." .. rest, path) then return end
    rest = rest:match("^[^.]+%.(.+)$")
  end
  if by_path(txn, space, path) then return end
  if space == "" then
    for _, key in ipairs({ host, family, "*" }) do
      local found = defaults:lookup(key)
      if found ~= nil and run(txn, found) then return end
    end
  end
  txn:unset_var("txn.backend")
end)

-- Which policies there are for a Service, and what one says: read once for each text. Texts are long, and each turn of a breaker is another one.
local MOST_READ = 256
local read, read_count = {}, 0
local services = setmetatable({}, { __mode = "k" })

local function words_of(key)
  local text = policies:lookup(key)
  if text == nil then return nil end
  local words = read[text]
  if words ~= nil then return words end
  if read_count >= MOST_READ then read, read_count = {}, 0 end
  words = {}
  for word in text:gmatch("[^,]+") do words[#words + 1] = word end
  read[text], read_count = words, read_count + 1
  return words
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
