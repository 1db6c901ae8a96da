-- Copies of requests, whose answers nobody waits for.

-- Copies that are under way, of one thread; more are not made: they never keep a request waiting.
local MOST_COPIES = 128
local LONGEST_COPY = 15000
local LONGEST_ANSWER = 1 << 20
local WITHIN_SECONDS = 10
local copies = 0

local WITHOUT_BODY = { GET = true, HEAD = true, DELETE = true, OPTIONS = true }
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

local function read_away(socket)
  local rest = LONGEST_ANSWER
  while rest > 0 do
    local part = socket:receive(8192)
    if part == nil then return end
    rest = rest - #part
  end
end

local function send_copy(text)
  copies = copies + 1
  -- Whatever becomes of it, there is room for another one.
  pcall(ask_inner, WITHIN_SECONDS, text, read_away)
  copies = copies - 1
end

core.register_action("mirror", { "http-req" }, function(txn)
  local head = { txn.sf:method() .. " " .. txn.sf:pathq() .. " HTTP/1.1" }
  add_headers(txn, head)
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
