-- Who may ask: a Service says so of each request.

local LONGEST_HEAD = 16384
local GATE_SECONDS = 5

local function read_head(socket)
  local line = socket:receive("*l")
  local status = tonumber((line or ""):match("^HTTP/%d%.%d (%d%d%d)"))
  if status == nil then return nil end
  local head, length = {}, 0
  while true do
    line = socket:receive("*l")
    if line == nil then return nil end
    line = line:gsub("\r$", "")
    if line == "" then return status, head end
    length = length + #line
    local name, value = line:match("^([^:%s]+):%s*(.-)%s*$")
    if name == nil or length > LONGEST_HEAD then return nil end
    name = name:lower()
    local values = head[name] or {}
    values[#values + 1] = value
    head[name] = values
  end
end

local function escaped(text)
  return (text:gsub("[^A-Za-z0-9_.~-]", function(byte) return string.format("%%%02X", byte:byte()) end))
end

-- Whether the gate gets this header as the client has sent it: what it is to believe is not his to say.
local function is_told(name) return name ~= "host" and name:sub(1, 11) ~= "x-original-" and name ~= "x-auth-request-redirect" end

-- Status and head of what the gate answers; nil: nothing that could be relied on.
local function ask_gate(txn, gate, scheme, host, target)
  local lines = {
    "GET " .. gate.path .. " HTTP/1.1", "host: " .. gate.host, "x-sampan-mirror: " .. gate.backend, "connection: close",
    "x-original-url: " .. scheme .. "://" .. host .. target, "x-original-method: " .. txn.sf:method(), "x-auth-request-redirect: " .. target,
  }
  add_headers(txn, lines, is_told)
  return ask_inner(GATE_SECONDS, table.concat(lines, "\r\n") .. "\r\n\r\n", read_head)
end

-- True: it is answered. Whoever may ask is led on with what the gate says of him, and with nothing that he has said himself in its place.
local function is_kept_out(txn, gate, later)
  local scheme, host, target = is_secure(txn) and "https" or "http", txn.sf:req_fhdr("host"), txn.sf:pathq()
  local status, head = ask_gate(txn, gate, scheme, host, target)
  if status ~= nil and status >= 200 and status < 300 then
    for at = 1, #gate.pass do
      local values = head[gate.pass[at]]
      txn.http:req_del_header(gate.pass[at])
      for each = 1, values and #values or 0 do txn.http:req_add_header(gate.pass[at], values[each]) end
    end
    for _, cookie in ipairs(head["set-cookie"] or {}) do later[#later + 1] = { kind = "a", how = "add", name = "set-cookie", value = cookie } end
    return false
  end
  local reply
  if status == 401 and gate.sign_in ~= nil then
    local said = { scheme = scheme, host = host, request_uri = target, escaped_request_uri = escaped(target) }
    reply = txn:reply({ status = 302 })
    reply:add_header("location", (gate.sign_in:gsub("%$([a-z_]+)", said)))
  else
    reply = txn:reply({ status = (status == 401 or status == 403) and status or status == nil and 503 or 500 })
    for _, value in ipairs(status == 401 and head["www-authenticate"] or {}) do reply:add_header("www-authenticate", value) end
  end
  for _, cookie in ipairs(head and head["set-cookie"] or {}) do reply:add_header("set-cookie", cookie) end
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
  return true
end
