-- Who may ask: tokens that somebody else has signed. The gateway's own process finds out what one is worth; what it has found out is remembered here.

local LONGEST_TOKEN = 8192
local TOKEN_SECONDS = 8
-- Questions that are under way in one thread, in all and of one route; with more nobody is let in. Where one route's keys are slow, others are not to wait.
local MOST_QUESTIONS = 128
local MOST_OF_ONE = 16
-- What is no good is looked at again, but not each time: it may be on its way.
local REFUSED_SECONDS = 5

-- Of those that are no good there are as many as somebody likes: they never push out the others.
local judged, refused = memory(1024), memory(256)
local questions, question = {}, 0

-- A request that is given up never says that its question has ended: those are known by their age.
local function may_ask(id, now)
  local all, own = 0, 0
  for at, one in pairs(questions) do
    if one.began + TOKEN_SECONDS + 2 < now then questions[at] = nil
    else all, own = all + 1, own + (one.id == id and 1 or 0) end
  end
  return all < MOST_QUESTIONS and own < MOST_OF_ONE
end

local function read_line(socket) return socket:receive("*l") end

-- The words of the answer to what is asked about this route; nil when there is none.
local function ask_about(id, text, now)
  if not may_ask(id, now) then return nil end
  question = question + 1
  local own = question
  questions[own] = { id = id, began = now }
  local line = ask_at(tokens, TOKEN_SECONDS, text .. "\n", read_line)
  questions[own] = nil
  return line
end

-- What pods are told, name by name; those without a value are only not to be said by clients.
local function read_headers(text)
  local headers = {}
  for name, value in text:gmatch(" ([a-z0-9-]+) ([0-9a-f-]+)") do
    headers[#headers + 1] = { name = name, value = value ~= "-" and unhex(value) or nil }
  end
  return headers
end

local function judge(txn, id, token)
  local now = core.now().sec
  local key = txn.c:sha2(id .. " " .. token, 256)
  local known = judged(key) or refused(key)
  if known ~= nil and now < known.until_seconds then return known end
  local line = ask_about(id, id .. " " .. token, now) or ""
  local status, why = line:match("^r (40[13]) ([^\"\\]+)$")
  if status ~= nil then return refused(key, { until_seconds = now + REFUSED_SECONDS, status = tonumber(status), why = why }) end
  local until_seconds, rest = line:match("^g (%d+)(.*)$")
  if until_seconds == nil then return nil end
  return judged(key, { until_seconds = tonumber(until_seconds), headers = read_headers(rest) })
end

local function refuse(txn, status, said)
  local reply = txn:reply({ status = status, body = status == 503 and "not now\n" or "who are you?\n" })
  reply:add_header("content-type", "text/plain")
  if said ~= nil then reply:add_header("www-authenticate", said) else reply:add_header("retry-after", "1") end
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
  return true
end

-- Whatever the client has sent under these names, or under one that somebody may read as one of them, is gone.
local function take_away(txn, headers)
  local own = {}
  for at = 1, #headers do own[headers[at].name] = true end
  for name in pairs(txn.http:req_get_headers()) do
    if own[name:lower():gsub("_", "-")] then txn.http:req_del_header(name) end
  end
end

local function tell(txn, headers)
  if #headers > 0 then take_away(txn, headers) end
  for at = 1, #headers do
    local one = headers[at]
    if one.value ~= nil then txn.http:req_set_header(one.name, one.value) end
  end
end

-- True: it is answered. Whoever may ask is led on with what his token says of him.
local function is_without_token(txn, wanted)
  local realm = 'Bearer realm="' .. wanted.realm .. '"'
  local count = tonumber(txn.sf:req_fhdr_cnt("authorization")) or 0
  if count == 0 then return refuse(txn, 401, realm) end
  local token = count == 1 and txn.sf:req_fhdr("authorization"):match("^[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._-]+)$") or nil
  if token == nil or #token > LONGEST_TOKEN then return refuse(txn, 401, realm .. ', error="invalid_request"') end
  local verdict = judge(txn, wanted.id, token)
  if verdict == nil then return refuse(txn, 503) end
  if verdict.status ~= nil then
    local code = verdict.status == 403 and "insufficient_scope" or "invalid_token"
    return refuse(txn, verdict.status, realm .. ', error="' .. code .. '", error_description="' .. verdict.why .. '"')
  end
  tell(txn, verdict.headers)
  return false
end
