-- Finds rows by their indexes: their sort keys, or their number.
--
-- ARGV  4 "rows" or "count", 5 how many are wanted or "", 6 how many to skip (0 when counting), 7 how many entries to look
--       at, 8 the parts of the sort key as bytes, or "", 9 the ordered source or "": "+" or "-" for its direction, then
--       index, "1" when rows must be tested, ranges; then the branches; then for each branch its sources: count, then for
--       each: index (0: unique keys), the numbers of the tests that the source leaves, "+" or "-" when each of its ranges
--       is in order or in reverse, which of a row's entries to take it at, ranges; then the cursor or nothing. Ranges are a
--       count and pairs of bounds; of a source of unique keys a count and keys. A row stands once in the ranges (""), or
--       it is taken at the entry of the first of its elements ("0"), or of those that a test and its clause name.
-- Reply {status, {cursor, member}, number, last write, {sort key...}}: "OK" at the end, "STOP" when enough was found, "MORE"
-- when the budget was used up; or {"RETRY"} while expired rows are in the way.
--
-- The ordered source gives rows in the order asked for. Without it the branches are gathered one after the other, each from
-- its cheapest source, and the caller sorts. A branch leaves out what an earlier branch has found.

local refused, sequence = refuse_layout()
if refused then return refused end
local backlog = purge() and call('ZCOUNT', EXPIRIES, '-inf', before_now()) > 0

local counting = ARGV[4] == 'count'
local want, skip, budget = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local sort_key = ARGV[8] ~= '' and read_sort_key(ARGV[8]) or {}

local position = 10
local function read_ranges(source)
  local count = tonumber(ARGV[position])
  source.first = position + 1
  if source.index == 0 then
    source.step, source.last = 1, position + count
  else
    source.step, source.last = 2, position + 2 * count
  end
  position = source.last + 1
end

local ordered
if ARGV[9] ~= '' then
  ordered = { index = tonumber(ARGV[10]), reverse = ARGV[9] == '-', tested = ARGV[11] == '1' }
  position = 12
  read_ranges(ordered)
end
local branches
branches, position = read_branches(position)
local sources = {}
for place = 1, #branches do
  local found = {}
  local count = tonumber(ARGV[position])
  position = position + 1
  for number = 1, count do
    local source = { index = tonumber(ARGV[position]), tests = {}, runs = ARGV[position + 2] }
    for test in string.gmatch(ARGV[position + 1], '%d+') do
      source.tests[#source.tests + 1] = branches[place][tonumber(test)]
    end
    local test, clause = string.match(ARGV[position + 3], '^(%d+) (%d+)$')
    source.repeats = ARGV[position + 3] ~= ''
    source.points = test and branches[place][tonumber(test)].clauses[tonumber(clause)].points
    position = position + 4
    read_ranges(source)
    found[number] = source
  end
  sources[place] = found
end

local function cost_of(source)
  if source.cost then return source.cost end
  local cost = 0
  if source.index == 0 then
    cost = source.last - source.first + 1
  else
    for place = source.first, source.last, 2 do
      cost = cost + call('ZLEXCOUNT', KEYS[4 + source.index], ARGV[place], ARGV[place + 1])
    end
  end
  source.cost = cost
  return cost
end

local function cheapest(found)
  local best = 1
  if #found > 1 then
    for place = 2, #found do
      if cost_of(found[place]) < cost_of(found[best]) then best = place end
    end
  end
  return best
end

-- Whether to walk the ordered source rather than to gather and sort.
local function walks()
  if not ordered then return false end
  if not ordered.tested then return true end
  local gathered = 0
  for place = 1, #branches do
    local found = sources[place]
    if #found == 0 then return true end
    gathered = gathered + cost_of(found[cheapest(found)])
  end
  local walked = cost_of(ordered)
  if want then
    if gathered > 10000 then return true end
    if gathered > 0 then walked = math.min(walked, (want + skip) * walked / gathered) end
  end
  return walked <= 2 * gathered
end

-- The cursor: "o" or "g", branch, source, place of the range, taken from it, left to skip; then the last member seen.
local mode, branch_at, source_at, range_at, taken, last_seen
if position <= #ARGV then
  local numbers = {}
  mode = sub(ARGV[position], 1, 1)
  for number in string.gmatch(ARGV[position], '%d+') do numbers[#numbers + 1] = tonumber(number) end
  branch_at, source_at, range_at, taken, skip = numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
  last_seen = ARGV[position + 1]
else
  mode = walks() and 'o' or 'g'
  branch_at, source_at, range_at, taken, last_seen = 1, 0, 0, 0, ''
end

local found, found_count, looked_at = {}, 0, 0

local function finish(status)
  local numbers = { mode, branch_at, source_at, range_at, taken, skip }
  return { status, { concat(numbers, ' '), last_seen }, found_count, sequence, found }
end

local function is_expired(id)
  local expiry = backlog and call('ZSCORE', EXPIRIES, id)
  return expiry and tonumber(expiry) < milliseconds()
end

-- Whether an entry is the one at which its row is taken.
local function is_first(source, slots, member)
  local index = indexes[source.index]
  for _, element in ipairs(entries_of(index, slots)) do
    if not source.points or source.points[element] then return member_of(index, slots, element) == member end
  end
  return false
end

local function accepts(source, slots)
  if mode == 'o' then return not source.tested or holds_any(branches, slots, #branches) end
  return holds(source.tests, slots) and not holds_any(branches, slots, branch_at - 1)
end

-- Looks at one row, and keeps it if it is among those asked for.
local function take(source, id, manifest, member)
  if not manifest or is_expired(id) then return end
  local slots = read_slots(manifest, id)
  if not accepts(source, slots) then return end
  if source.repeats and not is_first(source, slots, member) then return end
  if mode == 'o' and skip > 0 then
    skip = skip - 1
    return
  end
  taken = taken + 1
  found_count = found_count + 1
  if not counting then found[found_count] = mode == 'o' and member or member_of(sort_key, slots) end
end

-- Keeps a page of entries as they are: in order, with nothing to test, none expired.
local function take_page(members)
  local count = #members
  taken = taken + count
  found_count = found_count + count
  if not counting then
    for place = 1, count do found[found_count - count + place] = members[place] end
  end
end

local function is_enough()
  return want and (mode == 'o' or ARGV[8] == '') and found_count >= want
end

-- Skips whole entries by their rank; the range then begins at the returned bounds, or is skipped altogether.
local function skip_by_rank(key, low, high, reverse)
  local size = call('ZLEXCOUNT', key, low, high)
  if skip >= size then
    skip = skip - size
    return nil
  end
  local before
  if reverse then
    before = high == '+' and 0 or call('ZLEXCOUNT', key, '[' .. sub(high, 2), '+')
  else
    before = low == '-' and 0 or call('ZLEXCOUNT', key, '-', '(' .. sub(low, 2))
  end
  local start = call(reverse and 'ZREVRANGE' or 'ZRANGE', key, before + skip, before + skip)[1]
  skip = 0
  if reverse then return low, '[' .. start end
  return '[' .. start, high
end

local function is_reverse(source)
  if mode == 'o' then return source.reverse end
  return source.runs == '-'
end

-- Looks at each of some entries; "stop" when there is enough, "next" when the range has given its quota.
local function take_each(source, members, quota)
  read_layout()
  local ids = {}
  for place, member in ipairs(members) do ids[place] = id_of(indexes[source.index], member) end
  local manifests = call('HMGET', MANIFESTS, unpack(ids))
  for place, member in ipairs(members) do
    last_seen = member
    take(source, ids[place], manifests[place], member)
    if is_enough() then return 'stop' end
    if quota and taken >= quota then return 'next' end
  end
end

-- Reads on in one range; "next" at its end, "stop" when there is enough, "pause" when the budget is used up.
local function read_range(source, low, high)
  local key, reverse = KEYS[4 + source.index], is_reverse(source)
  local quota = mode == 'g' and source.runs ~= '' and want and want + skip
  if mode == 'o' and skip > 0 and not source.tested then
    low, high = skip_by_rank(key, low, high, reverse)
    if not low then return 'next' end
  end
  local whole = mode == 'o' and not source.tested and not backlog and skip == 0
  local most = whole and 1000 or 256
  local size = most
  if want then size = math.max(1, math.min(most, quota or want - found_count)) end
  while true do
    if last_seen ~= '' then
      if reverse then high = '(' .. last_seen else low = '(' .. last_seen end
    end
    local members
    if reverse then
      members = call('ZREVRANGEBYLEX', key, high, low, 'LIMIT', 0, size)
    else
      members = call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, size)
    end
    if #members == 0 then return 'next' end
    if whole then
      last_seen = members[#members]
      take_page(members)
      if is_enough() then return 'stop' end
    else
      local outcome = take_each(source, members, quota)
      if outcome then return outcome end
    end
    looked_at = looked_at + #members
    if #members < size then return 'next' end
    if looked_at >= budget then return 'pause' end
    size = math.min(most, size * 2)
    if whole and want then size = math.min(size, want - found_count) end
  end
end

local function read_unique_key(source, key)
  read_layout()
  local id = call('HGET', UNIQUES, key)
  if id then take(source, id, call('HGET', MANIFESTS, id), nil) end
  return is_enough() and 'stop' or 'next'
end

-- Reads on in one source until its end.
local function read_source(source)
  if range_at == 0 then
    range_at = source.first
    if mode == 'o' and source.reverse then range_at = source.last + 1 - source.step end
  end
  while range_at >= source.first and range_at <= source.last do
    local outcome
    if source.index == 0 then
      outcome = read_unique_key(source, ARGV[range_at])
    else
      outcome = read_range(source, ARGV[range_at], ARGV[range_at + 1])
    end
    if outcome ~= 'next' then return outcome end
    range_at = range_at + ((mode == 'o' and source.reverse) and -source.step or source.step)
    taken, last_seen = 0, ''
    looked_at = looked_at + 1
  end
  return 'next'
end

-- The number of entries where no row needs to be looked at; nil where rows do.
local function count_entries()
  if mode == 'o' then
    if not ordered.tested then return cost_of(ordered) end
  elseif #branches == 1 then
    local source = sources[1][cheapest(sources[1])]
    if source.index ~= 0 and #source.tests == 0 and not source.repeats then return cost_of(source) end
  end
end

if (counting or (skip > 0 and mode == 'o' and not ordered.tested)) and backlog then return { 'RETRY' } end
if counting then
  found_count = count_entries()
  if found_count then return finish('OK') end
  found_count = 0
end

if mode == 'o' then
  local outcome = read_source(ordered)
  return finish(outcome == 'next' and 'OK' or outcome == 'stop' and 'STOP' or 'MORE')
end
while branch_at <= #branches do
  local found = sources[branch_at]
  if source_at == 0 then source_at = cheapest(found) end
  local outcome = read_source(found[source_at])
  if outcome == 'stop' then return finish('STOP') end
  if outcome == 'pause' then return finish('MORE') end
  branch_at, source_at, range_at = branch_at + 1, 0, 0
end
return finish('OK')
