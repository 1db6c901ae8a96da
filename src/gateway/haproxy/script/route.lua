-- Which rule takes a request, which share of it a client gets, and what is changed on the way.

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

local LONGEST_NAME, LONGEST_PATH = 253, 1024

-- What is told of a request besides what is told of all. What clients have written is there as hexadecimal digits. Their own id is kept where it is a word.
local function note(txn, rule)
  if rule.is_logged == "" then txn:set_var("txn.route", rule.route) return end
  local id = txn.sf:req_fhdr("x-request-id")
  if #id > 64 or not id:match("^[A-Za-z0-9._-]+$") then
    id = string.format("%08x%08x%08x%08x", math.random(0, MASK), math.random(0, MASK), math.random(0, MASK), math.random(0, MASK))
    txn.http:req_set_header("x-request-id", id)
  end
  local words = { txn.sf:method():sub(1, 32), txn.sf:req_fhdr("host"):sub(1, LONGEST_NAME), txn.sf:path():sub(1, LONGEST_PATH), id, txn.sf:src() }
  for at = 1, #words do words[at] = txn.c:hex(words[at]) end
  txn:set_var("txn.route", rule.route .. ":" .. table.concat(words, "."))
end

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
      if rule.route ~= nil then note(txn, rule) end
      if rule.status ~= nil then redirect(txn, rule) return true end
      local later = {}
      if rule.cors ~= nil and cross_origin(txn, rule.cors, later) then return true end
      if rule.auth ~= nil and refuses(txn, rule.auth) then return true end
      if rule.token ~= nil and is_without_token(txn, rule.token) then return true end
      if rule.login ~= nil and is_not_in(txn, rule.login, later) then return true end
      if rule.gate ~= nil and is_kept_out(txn, rule.gate, later) then return true end
      if #rule.shares == 0 then txn:set_var("txn.backend", "none") return true end
      local share = choose(txn, rule)
      txn:set_var("txn.backend", share.backend)
      if rule.timeout ~= nil then txn:set_var("txn.timeout", rule.timeout) end
      carry_out(txn, rule.edits, later)
      carry_out(txn, share.edits, later)
      if #later > 0 then
        txn:set_priv(later)
        txn:set_var("txn.answer", 1)
      end
      if #rule.mirrors > 0 then choose_mirrors(txn, rule.mirrors) end
      return true
    end
  end
  return false
end

-- Where a path leads: letters that need not be written as numbers, slashes, and steps up are what they stand for. Backends get it as it came.
local function normal(path)
  local text = path:gsub("%%(%x%x)", function(digits)
    local letter = string.char(tonumber(digits, 16))
    return letter:match("^[A-Za-z0-9._~/-]$")
  end):gsub("//+", "/")
  if not text:find("/.", 1, true) then return text end
  local parts, last = {}, ""
  for part in text:gmatch("/([^/]*)") do
    last = part
    if part == ".." then parts[#parts] = nil
    elseif part ~= "." then parts[#parts + 1] = part end
  end
  return "/" .. table.concat(parts, "/") .. ((last == "." or last == "..") and #parts > 0 and "/" or "")
end

core.register_action("normal", { "http-req" }, function(txn) txn:set_var("txn.path", normal(txn.sf:path())) end)

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

-- Connections that are led as they are: which of several Services gets this one.
core.register_action("share", { "tcp-req" }, function(txn)
  local rules = program_of((txn:get_var("txn.backend") or ""):match("^p(%d+)"))
  local rule = rules and rules[1]
  txn:set_var("txn.backend", rule ~= nil and #rule.shares > 0 and draw(rule).backend or "none")
end)

-- The listener that a host is for at a port, as it is called in its map; nil: there is none.
local function listener_of(port, host)
  local name = host
  if listeners:lookup(port .. ":" .. name) ~= nil then return name end
  name = name:match("^[^.]+%.(.+)$")
  while name ~= nil do
    if listeners:lookup(port .. ":*." .. name) ~= nil then return "*." .. name end
    name = name:match("^[^.]+%.(.+)$")
  end
  return listeners:lookup(port .. ":") ~= nil and "" or nil
end

core.register_action("misdirected", { "http-req" }, function(txn, port)
  local host = (txn:get_var("txn.name") or ""):gsub("%.$", "")
  if listener_of(port, txn.sf:ssl_fc_sni():lower()) ~= listener_of(port, host) then txn:set_var("txn.misdirected", 1) end
end, 1)
