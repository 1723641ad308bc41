'use strict'
// The control API: HTTP on a unix socket in the data directory, for root on the host.

const fs = require('fs')
const http = require('http')
const Refusal = require('./refusal')

const BODY_LIMIT = 64 * 1024
const NOTE_LIMIT = 200
const USES_LIMIT = 1000
// LevelDB's errors have no code, only the system's words.
const DISK_FULL = /ENOSPC|EDQUOT|no space left|quota exceeded/i

async function readBody (request) {
  const parts = []
  let size = 0
  for await (const part of request) {
    size += part.length
    if (size > BODY_LIMIT) throw new Refusal(413, 'The request is larger than 64 KB.')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseObject (text) {
  let body = null
  try {
    body = JSON.parse(text)
  } catch (_) {}
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    throw new Refusal(422, 'The request must be a JSON object with the fields "uses" and "note".')
  }
  return body
}

function checkInvite ({ uses, note = '' }) {
  if (!Number.isInteger(uses) || uses < 1 || uses > USES_LIMIT) {
    throw new Refusal(422, `"uses" must be a whole number from 1 to ${USES_LIMIT}.`)
  }
  if (typeof note !== 'string' || [...note].length > NOTE_LIMIT) {
    throw new Refusal(422, `"note" must be text of at most ${NOTE_LIMIT} characters.`)
  }
  return [uses, note]
}

// An id holds slashes and plus signs, so it is percent-encoded in the path.
function idIn (pathname) {
  try {
    return decodeURIComponent(pathname.slice('/invites/'.length))
  } catch (_) {
    throw new Refusal(404, 'The invite id in the path is not percent-encoded properly.')
  }
}

function routes (pub) {
  return {
    '/info': { GET: () => pub.info() },
    '/peers': { GET: () => pub.peers.list() },
    '/invites': {
      GET: () => pub.invites.list(),
      POST: async (request) => pub.invites.create(...checkInvite(parseObject(await readBody(request))))
    },
    '/invites/': { DELETE: (request, pathname) => pub.invites.revoke(idIn(pathname)) }
  }
}

function answerFor (table, request) {
  const pathname = request.url.split('?')[0]
  const methods = table[pathname.startsWith('/invites/') ? '/invites/' : pathname]
  if (!methods) throw new Refusal(404, 'There is no such path: the paths are /info, /peers, /invites and /invites/<id>.')
  const handler = Object.hasOwn(methods, request.method) && methods[request.method]
  if (!handler) throw new Refusal(405, `This path takes ${Object.keys(methods).join(' and ')} only.`)
  return handler(request, pathname)
}

function refusalFor (err) {
  if (err instanceof Refusal) return err
  console.error('control:', err.stack)
  if (DISK_FULL.test(err.message)) return new Refusal(507, 'The disk of this pub is full: make room, then try again.')
  return new Refusal(500, `The pub could not do this: ${err.message.split('\n')[0]}`)
}

function send (response, status, body) {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

// Serves the control API of a pub, {info(), peers, invites}, at a socket file that only its owner (and root) may open.
module.exports = function control (pub, file) {
  const table = routes(pub)
  const server = http.createServer(async (request, response) => {
    try {
      send(response, 200, await answerFor(table, request))
    } catch (err) {
      const refusal = refusalFor(err)
      // What is left of a body that was not read must not be taken for the next request.
      if (!request.complete) response.setHeader('connection', 'close')
      send(response, refusal.status, { error: refusal.message })
    }
  })
  fs.rmSync(file, { force: true })
  const umask = process.umask(0o177)
  server.listen(file)
  process.umask(umask)
  return server
}
