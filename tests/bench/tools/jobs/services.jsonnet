// The configuration of a few dozen services, as people generate it.
local base = {
  replicas: 2,
  env: { LOG: 'info' },
  ports: [8080],
  labels+: { team: 'core' },
};
local service(name, index) = base {
  name: name,
  labels+: { app: name, tier: if index % 3 == 0 then 'front' else 'back' },
  env+: { INDEX: std.toString(index), PEERS: std.join(',', ['svc-%d' % i for i in std.range(0, index)]) },
  replicas: super.replicas + index % 4,
  checksum: std.md5(name)[:8],
};
{
  ['svc-%d.json' % i]: service('svc-%d' % i, i)
  for i in std.range(0, 24)
} + {
  summary: std.foldl(function(sum, i) sum + i * i, std.range(1, 500), 0),
  sorted: std.sort([std.reverse(std.stringChars('item %d' % i)) for i in std.range(0, 50)], function(c) std.join('', c)),
}
