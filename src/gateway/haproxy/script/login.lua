-- Who may ask: people who have logged in. The gateway's own process sends them away, takes them back and knows them by what their browser shows.

local OURS = "__Host-sampan-"
local LONGEST_SESSION, LONGEST_TARGET, LONGEST_RETURN = 4096, 2000, 6000

-- Those who are in, for as long as the gateway has said.
local inside = memory(4096)

-- What the browser shows of the gateway, which is for nobody behind it. What is shown twice is not looked at: somebody has put one of them there.
local function take_cookies(txn)
  local shown, kept, has_ours = {}, {}, false
  for _, value in pairs(txn.http:req_get_headers()["cookie"] or {}) do
    for pair in value:gmatch("[^;]+") do
      local name, text = pair:match("^%s*([^=]*)=(.*)$")
      if name ~= nil and name:sub(1, #OURS) == OURS then
        has_ours = true
        shown[name] = shown[name] == nil and text:match("^[A-Za-z0-9_-]*") or ""
      else kept[#kept + 1] = pair:match("^%s*(.-)%s*$") end
    end
  end
  if has_ours then
    txn.http:req_del_header("cookie")
    if #kept > 0 then txn.http:req_add_header("cookie", table.concat(kept, "; ")) end
  end
  return shown
end

-- A person looks at what comes back, as far as a request says so.
local function is_navigation(txn)
  if txn.sf:method() ~= "GET" or txn.sf:req_fhdr("upgrade") ~= "" or txn.sf:req_fhdr("x-requested-with") ~= "" then return false end
  local mode = txn.sf:req_fhdr("sec-fetch-mode")
  if mode ~= "" then return mode == "navigate" end
  return txn.sf:req_fhdr("accept"):find("text/html", 1, true) ~= nil
end

local function word(text) return text ~= nil and text ~= "" and text or "-" end

local function reply_with(txn, status, why, location, cookies)
  local reply = txn:reply({ status = status, body = why ~= nil and '<!doctype html><meta charset="utf-8"><title>Login</title><p>' .. why .. "</p>\n" or "" })
  if location ~= nil then reply:add_header("location", location) end
  for at = 1, #cookies do reply:add_header("set-cookie", cookies[at]) end
  if status == 401 then reply:add_header("www-authenticate", 'Login realm="gateway"') end
  if status == 503 then reply:add_header("retry-after", "5") end
  reply:add_header("content-type", "text/html; charset=utf-8")
  reply:add_header("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
  -- What has come with the address is for nobody else.
  reply:add_header("referrer-policy", "no-referrer")
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
  return true
end

local function ask_who(txn, login, host, shown, now)
  local method, target = txn.sf:method(), txn.sf:pathq()
  if #target > (login.at == "r" and LONGEST_RETURN or LONGEST_TARGET) then target = "/" end
  local flags = (method == "GET" and "g" or method == "POST" and "s" or "") .. (is_navigation(txn) and "n" or "")
    .. (txn.sf:req_fhdr("sec-fetch-site") == "cross-site" and "x" or "")
  local words = { "l", login.id, login.at, word(flags), txn.c:hex(host):lower(), txn.c:hex(target):lower(), shown.session, shown.browser }
  return ask_about(login.id, table.concat(words, " "), now) or ""
end

-- True: it is answered. Whoever is in is led on with what is known of him, and with nothing that he says of himself in its place.
local function is_not_in(txn, login, later)
  local host = txn.sf:req_fhdr("host"):lower()
  if not is_secure(txn) then
    -- What a browser shows is never to be seen on the way.
    if txn.sf:method() ~= "GET" then return reply_with(txn, 403, "This is done over https.", nil, {}) end
    return reply_with(txn, 308, nil, "https://" .. host:gsub(":%d+$", "") .. txn.sf:pathq(), {})
  end
  local cookies, now = take_cookies(txn), core.now().sec
  local session, browser = word(cookies[OURS .. "in-" .. login.door]), word(cookies[OURS .. "at-" .. login.door])
  if #session > LONGEST_SESSION then session = "-" end
  if #browser > 64 then browser = "-" end
  local key = login.at == "p" and session ~= "-" and txn.c:sha2(login.id .. " " .. host .. " " .. session, 256) or nil
  local known = key ~= nil and inside(key) or nil
  if known == nil or now >= known.until_seconds then
    local line = ask_who(txn, login, host, { session = session, browser = browser }, now)
    local status, location, why, rest = line:match("^a (%d%d%d) ([0-9a-f-]+) ([0-9a-f-]+)(.*)$")
    if status ~= nil then
      local set = {}
      for text in rest:gmatch(" ([0-9a-f]+)") do set[#set + 1] = unhex(text) end
      return reply_with(txn, tonumber(status), why ~= "-" and unhex(why) or nil, location ~= "-" and unhex(location) or nil, set)
    end
    local until_seconds, cookie, said = line:match("^p (%d+) ([0-9a-f-]+)(.*)$")
    if until_seconds == nil then return reply_with(txn, 503, "It cannot be known now who you are. Try again soon.", nil, {}) end
    known = { until_seconds = tonumber(until_seconds), headers = read_headers(said) }
    -- Who is told something new shows that from now on.
    if cookie ~= "-" then
      later[#later + 1] = { kind = "a", how = "add", name = "set-cookie", value = unhex(cookie) }
      -- Whatever lies between is not to give it to others.
      later[#later + 1] = { kind = "a", how = "set", name = "cache-control", value = "private, no-store" }
    elseif key ~= nil then inside(key, known) end
  end
  tell(txn, known.headers)
  return false
end
