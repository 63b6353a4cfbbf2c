-- Tells which of some rows fulfil the conditions now.
--
-- ARGV  4 sort key as in a scan, then the branches, then the ids.
-- Reply {"OK", {version, key}...}: an empty version for a row that is gone or does not fulfil the conditions.

local refused = refuse_layout()
if refused then return refused end
read_layout()
local sort_key = ARGV[4] ~= '' and read_sort_key(ARGV[4]) or {}
local branches, position = read_branches(5)
local reply = { 'OK' }
for place = position, #ARGV do
  local id = ARGV[place]
  local manifest = call('HGET', MANIFESTS, id)
  local expiry = ARGV[3] ~= '0' and call('ZSCORE', EXPIRIES, id)
  local answer = { '', '' }
  if manifest and not (expiry and tonumber(expiry) < milliseconds()) then
    local slots = read_slots(manifest, id)
    if holds_any(branches, slots, #branches) then
      answer = { read_version(manifest), member_of(sort_key, slots) }
    end
  end
  reply[#reply + 1] = answer
end
return reply
