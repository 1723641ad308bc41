'use strict'
// A real Scuttlebutt peer with its own identity, for tests. It runs in the pub image:
//
//   docker run --rm --init --add-host NAME:host-gateway -v THIS_DIR:/peer:ro -v DATA_DIR:/home/node/.ssb IMAGE \
//     node /peer/peer.js COMMAND [ARGUMENT...] [COMMAND [ARGUMENT...]]...
//
// DATA_DIR belongs to uid 1000 and keeps the identity between runs. Commands run in the order given:
//
//   whoami              the id of this peer
//   accept CODE         use an invite code: the pub follows this peer, this peer follows the pub
//   use CODE            the same request, without following: tells only whether the pub takes the code
//   use_for FEED CODE   the same for any feed
//   crowd COUNT CODE    use a code for COUNT new feeds, all at the same moment; tells how many were accepted
//   follow FEED         follow a feed (an id)
//   publish TEXT        publish a post and wait until the pub has it
//   many COUNT TEXT     publish COUNT posts "TEXT 1", "TEXT 2", ... and wait until the pub has them
//   wait TEXT FEED      wait until a post with this text of this feed has come
//   stay SECONDS        stay connected to the pub
//
// Each command prints one line of JSON, {"command": ..., ...}. The first that fails prints {"command", "error"} and
// ends the run with exit code 1. A command fails after PEER_TIMEOUT seconds (environment, default 45).

const fs = require('fs')
const os = require('os')
const path = require('path')
const { promisify } = require('util')
const { setTimeout: sleep } = require('timers/promises')
const pub = require('module').createRequire('/pub/start.js')
const pull = pub('pull-stream')

const TIMEOUT_MS = Number(process.env.PEER_TIMEOUT || 45) * 1000
const LOOK_EVERY_MS = 100
const home = path.join(os.homedir(), '.ssb')
const pubAddress = path.join(home, 'pub-address')

console.log = console.error = console.trace = () => {}

function start () {
  const config = pub('ssb-config/defaults')('ssb', {
    path: home,
    local: false,
    allowPrivate: true,
    gossip: { autoPopulate: false },
    connections: {
      incoming: { net: [{ scope: 'device', host: '127.0.0.1', port: 8008, transform: 'shs' }] },
      outgoing: { net: [{ transform: 'shs' }] }
    }
  })
  delete config.connections.outgoing.onion
  const names = ['ssb-master', 'ssb-gossip', 'ssb-replicate', 'ssb-friends', 'ssb-blobs', 'ssb-invite', 'ssb-ebt']
  return pub('ssb-server').createSsbServer().use(names.map((name) => pub(name)))(config)
}

async function until (condition) {
  for (;;) {
    if (await condition()) return
    await sleep(LOOK_EVERY_MS)
  }
}

function addressOf (code) {
  const [host, port, rest] = code.split(':')
  const key = rest.split('~')[0]
  return { key, address: `net:${host}:${port}~shs:${key.slice(1, -'.ed25519'.length)}` }
}

async function connected (peer) {
  const { key, address } = JSON.parse(fs.readFileSync(pubAddress, 'utf8'))
  const isOpen = () => (peer.peers[key] || []).length > 0
  if (!isOpen()) await promisify(peer.gossip.connect)(address)
  return key
}

function collect (source) {
  return promisify((cb) => pull(source, pull.collect(cb)))()
}

// Asks the pub itself whether it has our feed up to this message.
async function published (peer, sequence) {
  const key = await connected(peer)
  await until(async () => {
    const [rpc] = peer.peers[key]
    return rpc && (await collect(rpc.createHistoryStream({ id: peer.id, seq: sequence, limit: 1 }))).length > 0
  })
}

async function publish (peer, text) {
  const message = await promisify(peer.publish)({ type: 'post', text })
  return message.value.sequence
}

// A connection with the key of the code itself.
function openWith (peer, code) {
  const [address, seed] = code.split('~')
  const { key } = addressOf(code)
  const [host, port] = address.split(':')
  const remote = `net:${host}:${port}~shs:${key.slice(1, -'.ed25519'.length)}:${seed}`
  const opts = { keys: true, remote, config: peer.config, manifest: { invite: { use: 'async' } } }
  return promisify((cb) => pub('ssb-client/client')(opts, cb))()
}

async function useFor (rpc, feed) {
  await promisify(rpc.invite.use)({ feed })
}

async function texts (peer, feed) {
  const messages = await collect(peer.createUserStream({ id: feed }))
  return messages.map(({ value }) => value.content.text)
}

const commands = {
  whoami: (peer) => ({ id: peer.id }),
  async accept (peer, code) {
    await promisify(peer.invite.accept)(code)
    fs.writeFileSync(pubAddress, JSON.stringify(addressOf(code)))
    return { pub: await connected(peer) }
  },
  use (peer, code) {
    return commands.use_for(peer, peer.id, code)
  },
  async use_for (peer, feed, code) {
    const rpc = await openWith(peer, code)
    await useFor(rpc, feed)
    rpc.close(true)
    return { pub: addressOf(code).key }
  },
  async crowd (peer, count, code) {
    const rpcs = await Promise.all(Array.from({ length: Number(count) }, () => openWith(peer, code)))
    const tried = await Promise.allSettled(rpcs.map((rpc) => useFor(rpc, pub('ssb-keys').generate().id)))
    for (const rpc of rpcs) rpc.close(true)
    return { accepted: tried.filter(({ status }) => status === 'fulfilled').length }
  },
  async follow (peer, feed) {
    await promisify(peer.publish)({ type: 'contact', contact: feed, following: true })
    return { feed }
  },
  async publish (peer, text) {
    const sequence = await publish(peer, text)
    await published(peer, sequence)
    return { text, sequence }
  },
  async many (peer, count, text) {
    let sequence = 0
    for (let i = 1; i <= Number(count); i++) sequence = await publish(peer, `${text} ${i}`)
    await published(peer, sequence)
    return { count: Number(count), sequence }
  },
  async wait (peer, text, feed) {
    await connected(peer)
    await until(async () => (await texts(peer, feed)).includes(text))
    return { text, feed }
  },
  async stay (peer, seconds) {
    const id = await connected(peer)
    await sleep(Number(seconds) * 1000)
    return { pub: id }
  }
}

function say (line) {
  process.stdout.write(JSON.stringify(line) + '\n')
}

async function run (peer, command, args) {
  const limit = command === 'stay' ? TIMEOUT_MS + Number(args[0]) * 1000 : TIMEOUT_MS
  const late = sleep(limit).then(() => { throw new Error(`not done within ${limit / 1000} s`) })
  say({ command, ...await Promise.race([commands[command](peer, ...args), late]) })
}

async function main (words) {
  const peer = start()
  while (words.length) {
    const command = words.shift()
    if (!Object.hasOwn(commands, command)) throw Object.assign(new Error('there is no such command'), { command })
    const args = words.splice(0, commands[command].length - 1)
    try {
      await run(peer, command, args)
    } catch (err) {
      throw Object.assign(err, { command })
    }
  }
  await promisify((cb) => peer.close(true, cb))()
}

main(process.argv.slice(2)).then(() => process.exit(0), (err) => {
  say({ command: err.command || null, error: String(err.message).split('\n')[0] })
  process.exit(1)
})
