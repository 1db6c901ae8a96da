-- Who may ask: names and passwords.

local DIGITS = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
-- Which bytes of the last digest are written together, the highest first.
local GROUPS = { { 0, 6, 12 }, { 1, 7, 13 }, { 2, 8, 14 }, { 3, 9, 15 }, { 4, 10, 5 } }

local function digits_of(value, count)
  local text = {}
  for at = 1, count do
    text[at] = DIGITS:sub((value & 63) + 1, (value & 63) + 1)
    value = value >> 6
  end
  return table.concat(text)
end

-- What `htpasswd` and crypt(3) make of a password by MD5.
local function md5_crypt(txn, password, salt, magic)
  local md5 = function(text) return txn.c:digest(text, "md5") end
  local inner = md5(password .. salt .. password)
  local text = { password, magic, salt, inner:rep(#password // 16), inner:sub(1, #password % 16) }
  local left = #password
  while left > 0 do
    text[#text + 1] = (left & 1) == 1 and "\0" or password:sub(1, 1)
    left = left >> 1
  end
  local digest = md5(table.concat(text))
  for round = 0, 999 do
    digest = md5(((round & 1) == 1 and password or digest) .. (round % 3 ~= 0 and salt or "") .. (round % 7 ~= 0 and password or "")
      .. ((round & 1) == 1 and digest or password))
  end
  local out = {}
  for at = 1, #GROUPS do
    local a, b, c = digest:byte(GROUPS[at][1] + 1), digest:byte(GROUPS[at][2] + 1), digest:byte(GROUPS[at][3] + 1)
    out[at] = digits_of((a << 16) | (b << 8) | c, 4)
  end
  return table.concat(out) .. digits_of(digest:byte(12), 2)
end

local function is_password(txn, password, hash)
  if hash:sub(1, 5) == "{SHA}" then return "{SHA}" .. txn.c:base64(txn.c:sha1(password)) == hash end
  local magic, salt, wanted = hash:match("^(%$%w+%$)([^$]+)%$(.+)$")
  return magic ~= nil and md5_crypt(txn, password, salt, magic) == wanted
end

-- What was found out of a name, a password and a hash: to find it out takes milliseconds. Kept as a digest.
local tried = memory(1024)

-- Neither somebody else's time nor memory is anybody's to use up.
local LONGEST_WORDS = 512

local function is_user(txn, users)
  local words = txn.sf:req_fhdr("authorization"):match("^[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/=]+)$")
  if words == nil or #words > LONGEST_WORDS then return false end
  local name, password = (txn.c:b64dec(words) or ""):match("^([^:]*):(.*)$")
  local hash = name ~= nil and users[name] or nil
  if hash == nil then return false end
  local key = txn.c:sha2(hash .. "\0" .. words, 256)
  local is = tried(key)
  if is ~= nil then return is end
  return tried(key, is_password(txn, password, hash))
end

-- True: it is answered. Whoever may ask is led on.
local function refuses(txn, auth)
  if is_user(txn, auth.users) then return false end
  local reply = txn:reply({ status = 401, body = "who are you?\n" })
  reply:add_header("content-type", "text/plain")
  reply:add_header("www-authenticate", 'Basic realm="' .. auth.realm .. '", charset="UTF-8"')
  reply:add_header("cache-control", "no-store")
  txn:done(reply)
  return true
end
