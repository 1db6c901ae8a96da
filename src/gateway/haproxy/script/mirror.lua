-- Copies of requests, whose answers nobody waits for.

-- Copies that are under way, of one thread; more are not made: they never keep a request waiting.
local MOST_COPIES = 128
local LONGEST_COPY = 15000
local LONGEST_ANSWER = 1 << 20
local WITHIN_SECONDS = 10
local copies = 0

-- Sockets are more than what the collector counts of them, and take two of its rounds to go: left to itself it falls behind, and memory grows.
local MOST_LEFT = 200
local left = 0
core.register_task(function()
  while true do
    core.msleep(500)
    if left >= MOST_LEFT then
      left = 0
      collectgarbage()
      collectgarbage()
    end
  end
end)

local WITHOUT_BODY = { GET = true, HEAD = true, DELETE = true, OPTIONS = true }
local OF_THE_CONNECTION = {
  connection = true, ["content-length"] = true, expect = true, ["keep-alive"] = true, ["proxy-connection"] = true, te = true, trailer = true,
  ["transfer-encoding"] = true, upgrade = true, ["x-sampan-mirror"] = true,
}

-- Notes who gets a copy. Only of a request whose length is known, and small, is there one: any other would have to be waited for.
local function choose_mirrors(txn, all)
  local length = txn.sf:req_fhdr("content-length")
  if length == "" then
    if not WITHOUT_BODY[txn.sf:method()] or txn.sf:req_fhdr("transfer-encoding") ~= "" then return end
  elseif #length > 5 or tonumber(length) == nil or tonumber(length) > LONGEST_COPY then return end
  local to, waits = {}, false
  for at = 1, #all do
    local one = all[at]
    one.turn = one.turn + one.share
    if one.turn >= 1 then
      one.turn = one.turn - 1
      to[#to + 1] = one.backend .. (one.has_body and "b" or "")
      waits = waits or (one.has_body and length ~= "")
    end
  end
  if #to == 0 then return end
  txn:set_var("txn.mirror", table.concat(to, " "))
  if waits then txn:set_var("txn.body", 1) end
end

local function send_copy(text)
  copies = copies + 1
  -- Whatever becomes of it, there is room for another one.
  pcall(function()
    local socket = core.tcp()
    socket:settimeout(WITHIN_SECONDS)
    if socket:connect(mirrors) and socket:send(text) then
      local rest = LONGEST_ANSWER
      while rest > 0 do
        local part = socket:receive(8192)
        if part == nil then break end
        rest = rest - #part
      end
    end
    socket:close()
  end)
  copies = copies - 1
  left = left + 1
end

core.register_action("mirror", { "http-req" }, function(txn)
  local head = { txn.sf:method() .. " " .. txn.sf:pathq() .. " HTTP/1.1" }
  for name, values in pairs(txn.http:req_get_headers()) do
    if not OF_THE_CONNECTION[name] then
      for _, value in pairs(values) do head[#head + 1] = name .. ": " .. value end
    end
  end
  head[#head + 1] = "connection: close"
  local length = txn.sf:req_fhdr("content-length")
  local body = txn.sf:req_body()
  if length ~= "" and #body ~= tonumber(length) then body = nil end
  for backend, with in txn:get_var("txn.mirror"):gmatch("(b%d+)(b?)") do
    local content = length == "" and "" or with == "" and "" or body
    if content ~= nil and copies < MOST_COPIES then
      local lines = table.concat(head, "\r\n") .. "\r\nx-sampan-mirror: " .. backend
      local text = lines .. (length == "" and "" or "\r\ncontent-length: " .. #content) .. "\r\n\r\n" .. content
      core.register_task(function() send_copy(text) end)
    end
  end
end)
