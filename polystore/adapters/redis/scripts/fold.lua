-- Folds the rows that lie in some ranges of an index: the values that fields have there, or their sum.
--
-- ARGV  4 "values", "counts" (values and how many rows have each) or "sum", 5 how many entries to look at, 6 the index,
--       7 "entries" or "rows", 8 a number or slots: see below, then the ranges, a count and pairs of bounds; then the
--       branches, of which one must hold for a row; then the cursor or nothing.
-- Reply {status, {range, bound}, number, {...}}: "OK" at the end, "MORE" when the budget was used up; or {"RETRY"} while
-- expired rows are in the way.
--
-- Of "entries" nothing but the index is read: 8 is how many parts of it make a value, or which part is summed. Values are
-- then found one after the other by leaps over all entries that begin alike. Of "rows" the manifests are read and tested: 8
-- are the slots as bytes. Values come as pairs of bytes and number. A sum comes as the number of values that are not NULL,
-- and pairs of a name and an amount, small enough to be exact here: halves of ints, halves of the mantissas of floats by
-- sign and exponent, pairs of digits of decimals by their place.

local refused = refuse_layout()
if refused then return refused end
if purge() and call('ZCOUNT', EXPIRIES, '-inf', before_now()) > 0 then return { 'RETRY' } end
read_layout()

local what, budget, index = ARGV[4], tonumber(ARGV[5]), indexes[tonumber(ARGV[6])]
local key, by_rows = KEYS[4 + tonumber(ARGV[6])], ARGV[7] == 'rows'
local first_range, last_range = 10, 9 + 2 * tonumber(ARGV[9])
local branches, position = read_branches(last_range + 1)

local range_at, after = first_range, ''
if position <= #ARGV then range_at, after = tonumber(ARGV[position]), ARGV[position + 1] end
local looked_at, number, found = 0, 0, {}

-- ---- parts of entries

local SIZES = {
  [0x05] = 1, [0x06] = 1, [0x07] = 1, [0x10] = 9, [0x14] = 9, [0x28] = 5, [0x2c] = 9, [0x30] = 9, [0x31] = 9,
  [0x34] = 9, [0x38] = 17, [0x3c] = 13,
}
local DECIMAL = 0x18

local function end_of(entry, start, descending)
  local kind, sign = byte(entry, start, start + 1)
  if descending then kind, sign = 255 - kind, 255 - (sign or 0) end
  local size = SIZES[kind]
  if size then return start + size - 1 end
  local stop, from = descending and 255 or 0, start + 1
  if kind == DECIMAL then
    if sign == 2 then return start + 1 end
    if sign == 1 then stop = 255 - stop end
    from = start + 4
  end
  return (string.find(entry, char(stop), from, true))
end

local function is_descending(place)
  if place > #index then return index.descending end
  return index[place].descending
end

-- Where the part of that place begins and ends.
local function find_part(entry, place)
  local start, stop = 1, 0
  for each = 1, place do
    start = stop + 1
    stop = end_of(entry, start, is_descending(each))
  end
  return start, stop
end

-- ---- sums

local amounts = {}
local function add(name, amount)
  amounts[name] = (amounts[name] or 0) + amount
end

local function add_int(value)
  local a, b, c, d, e, f, g, h = byte(value, 2, 9)
  add('h', a * 16777216 + b * 65536 + c * 256 + d)
  add('l', e * 16777216 + f * 65536 + g * 256 + h)
end

local function add_float(value)
  local negative = byte(value, 2) < 128
  local a, b, c, d, e, f, g, h = byte(negative and invert(value) or value, 2, 9)
  local exponent = (a - 128) * 16 + floor(b / 16)
  local name = (negative and '-' or '+') .. exponent
  add(name .. 'h', (exponent > 0 and 1048576 or 0) + (b % 16) * 65536 + c * 256 + d)
  add(name .. 'l', e * 16777216 + f * 65536 + g * 256 + h)
end

local function add_decimal(value)
  local sign = byte(value, 2)
  if sign == 2 then return end
  if sign == 1 then value = invert(value) end
  local high, low = byte(value, 3, 4)
  local place = high * 256 + low - 1
  for at = 5, #value - 1 do
    local pair = byte(value, at) - 1
    add(place, sign == 1 and -pair or pair)
    place = place - 2
  end
end

local ADD = { [0x10] = add_int, [0x34] = add_int, [0x14] = add_float, [DECIMAL] = add_decimal }

local function sum(value)
  if value == NULL then return end
  number = number + 1
  ADD[byte(value, 1)](value)
end

-- ---- values

local function take(value, count)
  number = number + 1
  found[2 * number - 1], found[2 * number] = value, count
end

local tallies = {}
local function tally(value)
  local place = tallies[value]
  if place then
    found[place] = found[place] + 1
  else
    take(value, 1)
    tallies[value] = 2 * number
  end
end

-- ---- reading

local function read_rows(entries)
  local ids = {}
  for place, entry in ipairs(entries) do ids[place] = id_of(index, entry) end
  local manifests = call('HMGET', MANIFESTS, unpack(ids))
  local wanted = { byte(ARGV[8], 1, -1) }
  for place, id in ipairs(ids) do
    local slots = manifests[place] and read_slots(manifests[place], id)
    if slots and holds_any(branches, slots, #branches) then
      local parts = {}
      for each, slot in ipairs(wanted) do parts[each] = slots[slot] end
      local value = concat(parts)
      if what == 'sum' then sum(value) else tally(value) end
    end
  end
end

local function sum_entries(entries)
  local place = tonumber(ARGV[8])
  local descending = is_descending(place)
  for _, entry in ipairs(entries) do
    local value = sub(entry, find_part(entry, place))
    sum(descending and invert(value) or value)
  end
end

-- Takes the next value of a range, and answers what all its entries lie below.
local function leap(entry, high)
  local _, stop = find_part(entry, tonumber(ARGV[8]))
  local value = sub(entry, 1, stop)
  local behind = value .. '\255'
  local count = 1
  if what == 'counts' then
    local bound = (high == '+' or less(behind, sub(high, 2))) and '(' .. behind or high
    count = call('ZLEXCOUNT', key, '[' .. entry, bound)
  end
  take(value, count)
  return behind
end

local function read_range(low, high)
  local leaps = not by_rows and what ~= 'sum'
  local size = leaps and 1 or 256
  while looked_at < budget do
    if after ~= '' then low = '(' .. after end
    local entries = call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, size)
    if #entries == 0 then return true end
    looked_at = looked_at + #entries
    after = entries[#entries]
    if by_rows then
      read_rows(entries)
    elseif leaps then
      after = leap(after, high)
    else
      sum_entries(entries)
    end
    if #entries < size then return true end
  end
end

local status = 'OK'
while range_at <= last_range do
  if not read_range(ARGV[range_at], ARGV[range_at + 1]) then
    status = 'MORE'
    break
  end
  range_at, after = range_at + 2, ''
end
if what == 'sum' then
  for name, amount in pairs(amounts) do
    found[#found + 1] = tostring(name)
    found[#found + 1] = format('%.0f', amount)
  end
end
return { status, { tostring(range_at), after }, number, found }
