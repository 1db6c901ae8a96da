import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/**
 * `recorder.ts ADDRESS:PORT…`: answers at each place with its address, and keeps what came: `/seen` gives it, `PUT /seen` forgets it. `/fails/ID/N/STATUS` is answered with STATUS
 * the first N times, and then well. `/check` lets tickets pass that are good.
 */
for (const place of process.argv.slice(2)) {
  const [address = '', port = ''] = place.split(':')
  let seen: object[] = []
  const tries = new Map<string, number>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '/', headers } = request
    const body = await text(request)
    if (url === '/seen') {
      if (method === 'PUT') seen = []
      response.end(JSON.stringify(seen))
      return
    }
    seen.push({ method, url, headers, body })
    if (url === '/check') {
      // `x-ticket` says who it is: somebody `good`, somebody else, or nobody.
      const ticket = headers['x-ticket']
      response
        .writeHead(ticket === 'good' ? 202 : ticket === undefined ? 401 : 403, { 'x-user': `of ${String(ticket)}` })
        .end('not for clients')
      return
    }
    const [, id, times, status] = /^\/fails\/([^/]+)\/(\d+)\/(\d+)/.exec(url) ?? []
    const before = id === undefined ? 0 : (tries.get(id) ?? 0)
    if (id !== undefined) tries.set(id, before + 1)
    const isBad = before < Number(times ?? 0)
    response.writeHead(isBad ? Number(status) : 200, {
      'content-type': 'application/json',
      'access-control-allow-origin': 'http://of.backend',
    })
    response.end(JSON.stringify({ by: address, url, headers, tries: before + 1 }))
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve))
}
console.log('listening')
