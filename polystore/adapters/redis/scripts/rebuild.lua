-- Writes manifests and index entries of existing rows anew, while the model is closed.
--
-- ARGV  4 the builder's token, 5 milliseconds that it may be silent, 6 number of rows, then for each: id, version (empty when its
--       body is gone), slots.
-- Reply {"OK"}, {"BUSY"} for another builder's token, or {"UNIQUE", row, constraint, holder}.

if call('HGET', STATE, 'builder') ~= ARGV[4] then return { 'BUSY' } end
call('HSET', STATE, 'builder_until', format('%.0f', milliseconds() + ARGV[5]))
read_layout()

local position = 7
for number = 1, tonumber(ARGV[6]) do
  local id, version = ARGV[position], ARGV[position + 1]
  local slots = { [0] = id }
  for place = 1, slot_count do slots[place] = ARGV[position + 1 + place] end
  position = position + 2 + slot_count
  if version == '' then
    call('ZREM', KEYS[5], member_of(indexes[1], slots))
    call('HDEL', MANIFESTS, id)
    call('ZREM', EXPIRIES, id)
  else
    for place = 1, #uniques do
      local key = unique_key(place, slots)
      local holder = key and call('HGET', UNIQUES, key)
      if holder and holder ~= id then return { 'UNIQUE', number, place, holder } end
    end
    for place, index in ipairs(indexes) do
      for _, member in ipairs(members_of(index, slots)) do call('ZADD', KEYS[4 + place], 0, member) end
    end
    for place = 1, #uniques do
      local key = unique_key(place, slots)
      if key then call('HSET', UNIQUES, key, id) end
    end
    call('HSET', MANIFESTS, id, write_manifest(version, slots))
  end
end
return { 'OK' }
