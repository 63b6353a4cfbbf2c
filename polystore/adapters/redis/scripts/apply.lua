-- Writes a batch of rows: everything is checked first, then everything is written.
--
-- ARGV  4 milliseconds to live or "", 5 "skip" to leave out inserts in conflict, 6 number of operations, then the conditions
--       that patched and deleted rows must fulfil, then the operations:
--   insert id bump slot*  count (field value)*     bump: the key, "auto" when the store gave it, or ""
--   patch  id version  count (slot value)*  count (field value)*  count (field)*
--   again  id version              the patch before, for another row
--   claim  id version key, then as a patch: of the row that must be there, without conditions, and hold the unique key if
--          one is given
--   delete id version
--   forget id                      removes what is left of a row whose body is gone
-- KEYS  after the indexes, one body for each operation.
-- Reply {"OK", {status...}, {holder...}}: 1 written, 0 no such row, 2 another version, 3 left out, with the rows outside the
-- batch that stood in the way; or {"MOVED", operation} for a claim that fails, {"EXISTS", operation} or {"UNIQUE", operation, constraint, holder}, and nothing was written; the
-- holder is "" for a row of the batch.

local refused = refuse_layout()
if refused then return refused end
read_layout()
purge()

local lifetime, skip_conflicts, operation_count = ARGV[4], ARGV[5] == 'skip', tonumber(ARGV[6])
local conditions, position = read_branches(7)
local operations, patch = {}, nil

local function read_insert(operation)
  operation.bump = ARGV[position + 2]
  local slots = { [0] = operation.id }
  for place = 1, slot_count do slots[place] = ARGV[position + 2 + place] end
  operation.slots = slots
  position = position + 3 + slot_count
  operation.first = position + 1
  operation.last = position + tonumber(ARGV[position])
  position = operation.last + 1
end

local function read_patch()
  patch = { slots = {} }
  local count = tonumber(ARGV[position])
  for place = position + 1, position + count, 2 do
    patch.slots[tonumber(ARGV[place])] = ARGV[place + 1]
  end
  position = position + count + 1
  patch.first = position + 1
  patch.last = position + tonumber(ARGV[position])
  position = patch.last + 1
  patch.first_gone = position + 1
  patch.last_gone = position + tonumber(ARGV[position])
  position = patch.last_gone + 1
end

for number = 1, operation_count do
  local operation = { kind = ARGV[position], id = ARGV[position + 1], body = KEYS[FIRST_BODY + number], status = 1 }
  if operation.kind == 'insert' then
    read_insert(operation)
  elseif operation.kind == 'forget' then
    position = position + 2
  else
    operation.version = ARGV[position + 2]
    position = position + 3
    if operation.kind == 'claim' then
      operation.key = ARGV[position]
      position = position + 1
    end
    if operation.kind ~= 'again' and operation.kind ~= 'delete' then read_patch() end
    operation.patch = patch
  end
  operations[number] = operation
end

-- 1. The rows as they are; what is left of dead ones is removed.
local inserted = {}
for number, operation in ipairs(operations) do
  local id = operation.id
  local alive = call('HEXISTS', operation.body, '_v') == 1
  local manifest = call('HGET', MANIFESTS, id)
  if manifest and not alive then
    forget(id, read_slots(manifest, id))
    manifest = false
  end
  if operation.kind == 'insert' then
    if alive or inserted[id] then
      if not skip_conflicts or operation.bump == 'auto' then return { 'EXISTS', number } end
      operation.status = 3
    else
      inserted[id] = true
    end
  elseif operation.kind == 'claim' then
    local holds = operation.key == '' or call('HGET', UNIQUES, operation.key) == id
    local same = manifest and (operation.version == '' or operation.version == read_version(manifest))
    if not (holds and same) then return { 'MOVED', number } end
    operation.old = read_slots(manifest, id)
  elseif not manifest then
    operation.status = 0
  else
    operation.old = read_slots(manifest, id)
    if not holds_any(conditions, operation.old, #conditions) then
      operation.status = 0
    elseif operation.version ~= '' and operation.version ~= read_version(manifest) then
      operation.status = 2
    end
  end
end

-- 2. The rows as they will be; the unique keys they give up and take.
local freed, claimed = {}, {}
for _, operation in ipairs(operations) do
  if operation.status == 1 and operation.patch and operation.kind ~= 'delete' then
    local slots = { [0] = operation.id }
    for place = 1, slot_count do
      slots[place] = operation.patch.slots[place] or operation.old[place]
    end
    operation.slots = slots
    for place = 1, #uniques do
      local key = unique_key(place, operation.old)
      if key and key ~= unique_key(place, slots) then freed[key] = true end
    end
  end
end

-- The constraint that stands in the way, and the row that holds it: '' for one of this batch.
local function find_conflict(operation)
  for place = 1, #uniques do
    local key = unique_key(place, operation.slots)
    if key then
      if claimed[key] then return place, '' end
      local holder = not freed[key] and call('HGET', UNIQUES, key)
      if holder and holder ~= operation.id then return place, holder end
    end
  end
end

local holders = {}
for number, operation in ipairs(operations) do
  if operation.status == 1 and operation.slots then
    local constraint, holder = find_conflict(operation)
    if not constraint then
      for place = 1, #uniques do
        local key = unique_key(place, operation.slots)
        if key then claimed[key] = operation.id end
      end
    elseif skip_conflicts then
      operation.status = 3
      if holder ~= '' then holders[#holders + 1] = holder end
    else
      return { 'UNIQUE', number, constraint, holder }
    end
  end
end

-- 3. The writes. When memory is short the first one is refused, so that a batch is never written in part; deletes are not.
local writes = 0
for _, operation in ipairs(operations) do
  if operation.status == 1 and operation.slots then writes = writes + 1 end
end
local sequence = 0
if writes > 0 then sequence = call('HINCRBY', STATE, 'sequence', writes) - writes end

local function write_fields(body, version, first, last)
  call('HSET', body, '_v', version)
  while first <= last do
    local stop = first + 3999
    if stop > last then stop = last end
    call('HSET', body, unpack(ARGV, first, stop))
    first = stop + 1
  end
end

local function write_index_entries(id, slots, old)
  for place, index in ipairs(indexes) do
    local key = KEYS[4 + place]
    if index.elements then
      local new = members_of(index, slots)
      local kept = {}
      for _, member in ipairs(new) do kept[member] = true end
      for _, member in ipairs(old and members_of(index, old) or {}) do
        if not kept[member] then call('ZREM', key, member) end
      end
      for _, member in ipairs(new) do call('ZADD', key, 0, member) end
    else
      local member = member_of(index, slots)
      local before = old and member_of(index, old)
      if member ~= before then
        if before then call('ZREM', key, before) end
        call('ZADD', key, 0, member)
      end
    end
  end
  for place = 1, #uniques do
    local key = unique_key(place, slots)
    local before = old and unique_key(place, old)
    if key ~= before then
      release_unique(before, id)
      if key then call('HSET', UNIQUES, key, id) end
    end
  end
end

local function write_expiry(operation)
  if lifetime == '' then return end
  local expiry = format('%.0f', milliseconds() + lifetime)
  call('PEXPIREAT', operation.body, expiry)
  call('ZADD', EXPIRIES, expiry, operation.id)
end

local function bump_counter(key)
  local counter = call('HGET', STATE, 'counter') or '0'
  if #key > #counter or (#key == #counter and less(counter, key)) then
    call('HSET', STATE, 'counter', key)
  end
end

local function write(operation)
  if operation.kind == 'delete' then
    call('DEL', operation.body)
    forget(operation.id, operation.old)
    return
  end
  sequence = sequence + 1
  local version = format('%.0f', sequence)
  local fields = operation.patch or operation
  if operation.kind == 'insert' then
    call('DEL', operation.body)
    if operation.bump ~= '' and operation.bump ~= 'auto' then bump_counter(operation.bump) end
  elseif fields.first_gone <= fields.last_gone then
    call('HDEL', operation.body, unpack(ARGV, fields.first_gone, fields.last_gone))
  end
  write_fields(operation.body, version, fields.first, fields.last)
  write_index_entries(operation.id, operation.slots, operation.old)
  call('HSET', MANIFESTS, operation.id, write_manifest(version, operation.slots))
  write_expiry(operation)
end

local statuses = {}
for number, operation in ipairs(operations) do
  if operation.status == 1 and operation.kind ~= 'forget' then write(operation) end
  statuses[number] = operation.status
end
return { 'OK', statuses, holders }
