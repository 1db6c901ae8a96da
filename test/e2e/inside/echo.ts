import { createServer } from 'node:http'

/** Answers at every `ADDRESS:PORT` with what came, as JSON; a path that ends in `/slow` after a second. */
for (const place of process.argv.slice(2)) {
  const [address, port] = place.split(':')
  const server = createServer(({ url, headers }, response) => {
    const answer = (): unknown => response.setHeader('content-type', 'application/json').end(JSON.stringify({ by: address, url, headers }))
    if (url?.endsWith('/slow') === true) setTimeout(answer, 1000)
    else answer()
  })
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve))
}
console.log('listening')
