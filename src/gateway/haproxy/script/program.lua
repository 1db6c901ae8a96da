-- Reads the programs of src/routing. All files of this folder are one script: it is loaded once for each thread, runs for those requests alone whose
-- route or policy needs it, and reaches nothing but its maps, and by mirrors what the gateway serves itself.
-- `folder`, that of the maps, `mirrors`, where mirrored requests are taken, and `tokens`, who knows what a token is worth, are said before this line.

local exact = Map.new(folder .. "/exact.map", Map._str)
local prefix = Map.new(folder .. "/prefix.map", Map._beg)
local defaults = Map.new(folder .. "/defaults.map", Map._str)
local listeners = Map.new(folder .. "/listeners.map", Map._str)
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

-- A memory for so many things, asked with a key and told with a value. When it is full it begins anew: what is in use comes back at once.
local function memory(most)
  local known, count = {}, 0
  return function(key, value)
    if value == nil then return known[key] end
    if count >= most then known, count = {}, 0 end
    known[key], count = value, count + 1
    return value
  end
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

local function read_list(take)
  local list = { length = tonumber(take()) }
  for at = 1, list.length do list[at] = unhex(take()) end
  list.is_any = list[1] == "*"
  list.text = table.concat(list, ", ")
  return list
end

local function read_cors(take)
  local credentials = take()
  if credentials == "-" then return nil end
  local cors = { credentials = credentials == "1", age = take(), methods = read_list(take), headers = read_list(take), expose = read_list(take), origins = {} }
  for at = 1, tonumber(take()) do
    local how = take()
    local origin = { how = how }
    if how == "a" then cors.is_any = true
    elseif how == "e" then origin.text = unhex(take())
    else origin.start, origin.rest = unhex(take()), unhex(take()) end
    cors.origins[at] = origin
  end
  return cors
end

local function read_auth(take)
  local realm = take()
  if realm == "-" then return nil end
  local auth = { realm = unhex(realm), users = {} }
  for at = 1, tonumber(take()) do
    local name = unhex(take())
    auth.users[name] = unhex(take())
  end
  return auth
end

local function read_gate(take)
  local backend = take()
  if backend == "-" then return nil end
  local gate = { backend = backend, host = unhex(take()), path = unhex(take()) }
  local place = take()
  gate.sign_in = place ~= "-" and unhex(place) or nil
  gate.pass = read_list(take)
  return gate
end

local function read_token(take)
  local id = take()
  if id == "-" then return nil end
  return { id = id, realm = unhex(take()) }
end

local function read_login(take)
  local id = take()
  if id == "-" then return nil end
  return { id = id, door = take(), at = take() }
end

local function read_rule(take)
  local rule = { when = read_condition(take) }
  rule.route, rule.is_logged = take():match("^(%d+)(l?)$")
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
    rule.cors = read_cors(take)
    rule.mirrors = {}
    for at = 1, tonumber(take()) do
      rule.mirrors[at] = { backend = take(), share = tonumber(take()) / 1000000, turn = math.random(), has_body = take() == "b" }
    end
    rule.auth = read_auth(take)
    rule.gate = read_gate(take)
    rule.token = read_token(take)
    rule.login = read_login(take)
  end
  return rule
end

-- What was read, by the text itself: a program that changes is another text.
local known = memory(MOST_KNOWN)

local function program_of(number)
  local text = programs:lookup(number)
  if text == nil then return nil end
  local rules = known(text)
  if rules ~= nil then return rules end
  local words = text:gmatch("[^,]+")
  rules = {}
  for word in words do
    if word == "R" then rules[#rules + 1] = read_rule(words) end
  end
  return known(text, rules)
end
