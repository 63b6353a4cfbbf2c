-- What all scripts share: the layout of a model, manifests, index members, the removal of expired rows.
--
-- KEYS  1 state, 2 manifests, 3 expiries, 4 uniques, 5 the index of keys, 6.. the other indexes, then bodies.
-- ARGV  1 layout, 2 its fingerprint, 3 how many expired rows to remove at most (0 for a model without expiry), then what
--       the script asks for.
--
-- A manifest keeps the version of a row and the encodings (slots) of its indexed fields, so that every index member can be
-- rebuilt from it. Members are never compared with "<", which follows the server's locale.

local call, sub, byte, char, concat = redis.call, string.sub, string.byte, string.char, table.concat
local floor, format = math.floor, string.format
local STATE, MANIFESTS, EXPIRIES, UNIQUES = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local NULL, LIST = '\5', '\4'

-- Parts as bytes: the direction of the key that ends a member (0 or 1), their number, then slot and direction of each. A
-- direction is 1 when descending, and 2 more when the part stands for each element of a list in turn.
local function read_parts(bytes, position)
  local parts = { descending = bytes[position] == 1 }
  local count = bytes[position + 1]
  position = position + 2
  for place = 1, count do
    local direction = bytes[position + 1]
    parts[place] = { slot = bytes[position], descending = direction % 2 == 1 }
    if direction >= 2 then parts.elements = place end
    position = position + 2
  end
  return parts, position
end

-- The layout as bytes: the number of slots; the number of indexes, and their parts; the number of unique constraints, and
-- for each 1 when rows with a NULL never collide, the number of its slots, and these. Read when it is first needed.
local index_count, slot_count, indexes, uniques = byte(ARGV[1], 2), byte(ARGV[1], 1), nil, nil
local FIRST_BODY = 4 + index_count

local function read_layout()
  if indexes then return end
  indexes, uniques = {}, {}
  local bytes = { byte(ARGV[1], 1, -1) }
  local position = 3
  for place = 1, index_count do indexes[place], position = read_parts(bytes, position) end
  local unique_count = bytes[position]
  position = position + 1
  for place = 1, unique_count do
    local unique = { nulls_distinct = bytes[position] == 1 }
    for offset = 1, bytes[position + 1] do unique[offset] = bytes[position + 1 + offset] end
    position = position + 2 + bytes[position + 1]
    uniques[place] = unique
  end
end

local function read_sort_key(text)
  return (read_parts({ byte(text, 1, -1) }, 1))
end

local function invert(text)
  return (string.gsub(text, '.', function(each) return char(255 - byte(each)) end))
end

local function less(a, b)
  if a == b then return false end
  local size = #a
  if #b < size then size = #b end
  for place = 1, size do
    local x, y = byte(a, place), byte(b, place)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- The elements of a list, of which the slot has each after three bytes for its length. NULL is the only element of NULL.
local function elements_of(value)
  if value == NULL then return { NULL } end
  local elements, position = {}, 2
  while position <= #value do
    local a, b, c = byte(value, position, position + 2)
    local start = position + 3
    position = start + a * 65536 + b * 256 + c
    elements[#elements + 1] = sub(value, start, position - 1)
  end
  return elements
end

-- What stands for a list in an index: its elements, or a mark for one without any.
local function entries_of(index, slots)
  local elements = elements_of(slots[index[index.elements].slot])
  if #elements == 0 then elements[1] = LIST end
  return elements
end

-- A row's member in an index; of an index over the elements of a list, the member for one of them.
local function member_of(index, slots, element)
  local id = slots[0]
  local parts = {}
  for place = 1, #index do
    local part = index[place]
    local value = place == index.elements and element or slots[part.slot]
    if part.descending then value = invert(value) end
    parts[place] = value
  end
  local size = #id
  parts[#parts + 1] = index.descending and invert(id) or id
  parts[#parts + 1] = char(floor(size / 256), size % 256)
  return concat(parts)
end

local function id_of(index, member)
  local high, low = byte(member, -2, -1)
  local id = sub(member, -2 - (high * 256 + low), -3)
  return index.descending and invert(id) or id
end

local function members_of(index, slots)
  if not index.elements then return { member_of(index, slots) } end
  local members = entries_of(index, slots)
  for place, element in ipairs(members) do members[place] = member_of(index, slots, element) end
  return members
end

-- A manifest: one byte for the length of the version, the version, then each slot after three bytes for its length.
local function write_manifest(version, slots)
  local parts = { char(#version), version }
  for place = 1, slot_count do
    local size = #slots[place]
    parts[#parts + 1] = char(floor(size / 65536), floor(size / 256) % 256, size % 256)
    parts[#parts + 1] = slots[place]
  end
  return concat(parts)
end

local function read_version(manifest)
  return sub(manifest, 2, 1 + byte(manifest, 1))
end

local function read_slots(manifest, id)
  local slots = { [0] = id }
  local position = 2 + byte(manifest, 1)
  for place = 1, slot_count do
    local a, b, c = byte(manifest, position, position + 2)
    local start = position + 3
    position = start + a * 65536 + b * 256 + c
    slots[place] = sub(manifest, start, position - 1)
  end
  return slots
end

local function unique_key(place, slots)
  local unique = uniques[place]
  local parts = { place, ':' }
  for _, slot in ipairs(unique) do
    local value = slots[slot]
    if value == NULL and unique.nulls_distinct then return nil end
    parts[#parts + 1] = value
  end
  return concat(parts)
end

local function release_unique(key, id)
  if key and call('HGET', UNIQUES, key) == id then call('HDEL', UNIQUES, key) end
end

-- Removes every trace of a row but its body.
local function forget(id, slots)
  for place, index in ipairs(indexes) do
    for _, member in ipairs(members_of(index, slots)) do call('ZREM', KEYS[4 + place], member) end
  end
  for place = 1, #uniques do
    release_unique(unique_key(place, slots), id)
  end
  call('HDEL', MANIFESTS, id)
  call('ZREM', EXPIRIES, id)
end

local now
local function milliseconds()
  if not now then
    local time = call('TIME')
    now = time[1] * 1000 + floor(time[2] / 1000)
  end
  return now
end

local function before_now()
  return '(' .. format('%.0f', milliseconds())
end

-- Removes expired rows, at most the budget; true when there may be more of them.
local function purge()
  local budget = tonumber(ARGV[3])
  if budget == 0 then return false end
  local ids = call('ZRANGEBYSCORE', EXPIRIES, '-inf', before_now(), 'LIMIT', 0, budget)
  if #ids > 0 then read_layout() end
  for _, id in ipairs(ids) do
    local manifest = call('HGET', MANIFESTS, id)
    if manifest then
      forget(id, read_slots(manifest, id))
    else
      call('ZREM', EXPIRIES, id)
    end
  end
  return #ids == budget
end

-- Nil when the stored layout is the caller's, else the reply that says what it is; then the number of the last write.
local function refuse_layout()
  local stored = call('HMGET', STATE, 'layout', 'sequence')
  if stored[1] == ARGV[2] then return nil, stored[2] or '0' end
  return { 'LAYOUT', stored[1] or '' }
end

-- Clauses about the elements of a list, all of which must hold: "every" or "any" of some points is an element, or with
-- "not" that is not so.
local function read_clauses(count, position)
  local clauses = {}
  for number = 1, count do
    local clause = { every = ARGV[position] == 'every', negated = ARGV[position + 1] == 'not', points = {} }
    local size = tonumber(ARGV[position + 2])
    for offset = 3, 2 + size do
      local point = ARGV[position + offset]
      clause[offset - 2] = point
      clause.points[point] = true
    end
    clauses[number] = clause
    position = position + 3 + size
  end
  return clauses, position
end

-- Conditions: branches of which one must hold; in a branch every test must hold. A test is a slot and either points, of which
-- the slot must be one, or intervals, in one of which it must lie ("" as an end is endless), or clauses about its elements.
local function read_branches(position)
  local branches = {}
  local branch_count = tonumber(ARGV[position])
  position = position + 1
  for place = 1, branch_count do
    local branch = {}
    local test_count = tonumber(ARGV[position])
    position = position + 1
    for number = 1, test_count do
      local test = { slot = tonumber(ARGV[position]) }
      local count = tonumber(ARGV[position + 2])
      if ARGV[position + 1] == 'points' then
        local points = {}
        for offset = 3, 2 + count do points[ARGV[position + offset]] = true end
        test.points = points
        position = position + 3 + count
      elseif ARGV[position + 1] == 'elements' then
        test.clauses, position = read_clauses(count, position + 3)
      else
        test.first, test.last = position + 3, position + 1 + 2 * count
        position = position + 3 + 2 * count
      end
      branch[number] = test
    end
    branches[place] = branch
  end
  return branches, position
end

local function is_among(clause, elements)
  local number = 0
  for _, element in ipairs(elements) do
    if clause.points[element] then number = number + 1 end
  end
  if clause.every then return number == #clause end
  return number > 0
end

local function fulfils(clauses, elements)
  for _, clause in ipairs(clauses) do
    if is_among(clause, elements) == clause.negated then return false end
  end
  return true
end

local function passes(test, slots)
  local value = slots[test.slot]
  if test.points then return test.points[value] == true end
  if test.clauses then return fulfils(test.clauses, elements_of(value)) end
  for place = test.first, test.last, 2 do
    if less(value, ARGV[place]) then return false end
    local high = ARGV[place + 1]
    if high == '' or less(value, high) then return true end
  end
  return false
end

local function holds(branch, slots)
  for _, test in ipairs(branch) do
    if not passes(test, slots) then return false end
  end
  return true
end

local function holds_any(branches, slots, count)
  for place = 1, count do
    if holds(branches[place], slots) then return true end
  end
  return false
end
