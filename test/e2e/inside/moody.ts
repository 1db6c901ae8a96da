import { createServer } from 'node:http'

/** `moody.ts ADDRESS:PORT…`: answers at each place with its address, as `PUT /mood?status=S&ms=T` has told it last: with this status, after this time. Counts requests, and how many were there at once at most. */
for (const place of process.argv.slice(2)) {
  const [address = '', port = ''] = place.split(':')
  let [status, ms, seen, now, most] = [200, 0, 0, 0, 0]
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x')
    if (pathname === '/mood') {
      if (request.method === 'PUT') {
        status = Number(searchParams.get('status') ?? 200)
        ms = Number(searchParams.get('ms') ?? 0)
        ;[seen, most] = [0, 0]
      }
      response.end(JSON.stringify({ seen, most }))
      return
    }
    seen++
    most = Math.max(most, ++now)
    setTimeout(() => {
      now--
      const body = JSON.stringify({ by: address })
      response.writeHead(status, { 'content-length': body.length }).end(body)
    }, ms)
  })
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve))
}
console.log('listening')
