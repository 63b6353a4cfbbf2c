-- Keeps the definition of a model's indexes, and who may change it.
--
-- ARGV  4 action, 5 the definition, 6 the builder's token, 7 milliseconds that it may be silent.
--   define: stores the definition of a model that has none, or no rows. begin: closes the model for all but the builder.
--   remove: notes that the former indexes go. finish: opens the model with the new definition. abort: opens it with the
--   former one, unless its indexes are gone; then it stays closed until a builder finishes.
-- Reply {"READY"}, {"DIFFERENT"}, {"BUSY"}, or {"OK", former definition}.

local action, definition, token = ARGV[4], ARGV[5], ARGV[6]
local stored = call('HGET', STATE, 'layout')

local function open(layout, text)
  call('HSET', STATE, 'layout', layout, 'definition', text or '')
  call('HDEL', STATE, 'builder', 'builder_until', 'former', 'removed')
end

if action == 'define' then
  if stored == ARGV[2] then return { 'READY' } end
  if not stored or (call('HLEN', MANIFESTS) == 0 and sub(stored, 1, 9) ~= 'building:') then
    open(ARGV[2], definition)
    return { 'READY' }
  end
  return { 'DIFFERENT' }
end

local builder = call('HGET', STATE, 'builder')
if action == 'begin' then
  if stored == ARGV[2] then return { 'READY' } end
  local lease = tonumber(call('HGET', STATE, 'builder_until') or '0')
  if builder and builder ~= token and lease > milliseconds() then return { 'BUSY' } end
  if sub(stored, 1, 9) ~= 'building:' then call('HSET', STATE, 'former', stored) end
  call('HSET', STATE, 'layout', 'building:' .. ARGV[2], 'builder', token, 'builder_until', format('%.0f', milliseconds() + ARGV[7]))
  return { 'OK', call('HGET', STATE, 'definition') or '' }
end
if builder ~= token then return { 'BUSY' } end
if action == 'finish' then
  open(ARGV[2], definition)
elseif action == 'remove' then
  call('HSET', STATE, 'removed', '1')
elseif call('HGET', STATE, 'removed') then
  call('HDEL', STATE, 'builder', 'builder_until')
else
  open(call('HGET', STATE, 'former'), call('HGET', STATE, 'definition'))
end
return { 'READY' }
