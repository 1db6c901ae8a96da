-- Requests of pages that come from elsewhere.

local function without_port(origin)
  return (origin:gsub("^(http://[^:]+):80$", "%1"):gsub("^(https://[^:]+):443$", "%1"))
end

local function is_allowed(cors, origin)
  if cors.is_any then return true end
  local asked = without_port(origin:lower())
  for at = 1, #cors.origins do
    local one = cors.origins[at]
    if one.how == "e" then
      if asked == one.text then return true end
    elseif #asked > #one.start + #one.rest and asked:sub(1, #one.start) == one.start and asked:sub(-#one.rest - 1):sub(2) == one.rest then
      if asked:sub(#one.start + 1, #asked - #one.rest):match("^[a-z0-9.-]+$") then return true end
    end
  end
  return false
end

-- What is said of a list: a star is for those who ask without credentials, anybody else is told what he has asked for.
local function said_of(list, shows, asked)
  if list.length == 0 then return nil end
  if not list.is_any then return list.text end
  if not shows then return "*" end
  return asked ~= nil and asked:match("^[A-Za-z0-9!#$%%&'*+.^_`|~, -]+$") and asked or nil
end

local SAID = {
  "access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods", "access-control-allow-headers",
  "access-control-expose-headers", "access-control-max-age",
}

-- True: it is answered. Otherwise what the answer says of origins is what the route says, whatever a backend thinks.
local function cross_origin(txn, cors, later)
  local origin = txn.sf:req_fhdr("origin")
  if origin == "" then return false end
  local said = {}
  -- A star is no answer to who shows who he is, wanted or not.
  local shows = cors.credentials or txn.sf:req_fhdr("authorization") ~= "" or txn.sf:req_fhdr("cookie") ~= ""
  -- Pages without an origin are anybody's: they never get what is of somebody.
  local allowed = #origin < 512 and is_allowed(cors, origin) and not (cors.credentials and origin == "null")
  if allowed then
    said["access-control-allow-origin"] = cors.is_any and not shows and "*" or origin
    said["access-control-allow-credentials"] = cors.credentials and "true" or nil
    if not (cors.expose.is_any and shows) and cors.expose.length > 0 then said["access-control-expose-headers"] = cors.expose.text end
  end
  local method = txn.sf:req_fhdr("access-control-request-method")
  if txn.sf:method() ~= "OPTIONS" or method == "" then
    for at = 1, #SAID do
      local value = said[SAID[at]]
      later[#later + 1] = { kind = "a", how = value == nil and "remove" or "set", name = SAID[at], value = value }
    end
    if said["access-control-allow-origin"] ~= "*" then later[#later + 1] = { kind = "a", how = "add", name = "vary", value = "origin" } end
    return false
  end
  local reply = txn:reply({ status = allowed and 200 or 403 })
  if allowed then
    said["access-control-allow-methods"] = said_of(cors.methods, shows, method)
    said["access-control-allow-headers"] = said_of(cors.headers, shows, txn.sf:req_fhdr("access-control-request-headers"))
    said["access-control-max-age"] = cors.age
    for at = 1, #SAID do
      if said[SAID[at]] ~= nil then reply:add_header(SAID[at], said[SAID[at]]) end
    end
  end
  reply:add_header("vary", "origin, access-control-request-method, access-control-request-headers")
  txn:done(reply)
  return true
end
