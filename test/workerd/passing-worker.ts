/** A Worker and its Durable Object that pass on what they are asked: to be connected through, by bindings. */
function passOn(request: Request): Promise<Response> {
  return fetch(request, { redirect: 'manual' })
}

export class Passing {
  fetch(request: Request): Promise<Response> {
    return passOn(request)
  }
}

export default { fetch: passOn }
