/** Something that is sent in its turn. */
export interface OutgoingJob {
  /** Bytes that wait with it. */
  readonly size: number
  /** It is its turn; it calls `done` when the next may follow. */
  start(done: () => void): void
  /** It will never be its turn, or it cannot go on. */
  fail(reason: unknown): void
}

/** A place in the queue. A list, since taking the first out of a long array moves all others. */
interface Place {
  readonly job: OutgoingJob
  next?: Place
}

/**
 * Keeps messages in order when one of them takes more than a moment: a message in fragments, a long one to compress.
 * The first job is the one that is under way.
 */
export class OutgoingQueue {
  /** Bytes that wait. */
  size = 0
  #first: Place | undefined
  #last: Place | undefined
  /** Whose job was started last. */
  #current: Place | undefined
  #isStarting = false

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  add(job: OutgoingJob): void {
    const place: Place = { job }
    if (this.#last === undefined) this.#first = place
    else this.#last.next = place
    this.#last = place
    this.size += job.size
    this.#startNext()
  }

  /** Nothing more can be sent; gives how many bytes waited. */
  fail(reason: unknown): number {
    const { size } = this
    let place = this.#first
    this.#first = undefined
    this.#last = undefined
    this.#current = undefined
    this.size = 0
    for (; place !== undefined; place = place.next) place.job.fail(reason)
    return size
  }

  /** In a loop: a job that is done at once must not start the next from within itself, of thousands. */
  #startNext(): void {
    if (this.#isStarting) return
    this.#isStarting = true
    while (this.#current !== this.#first) {
      const place = this.#first
      this.#current = place
      place?.job.start(() => this.#finish(place))
    }
    this.#isStarting = false
  }

  #finish(place: Place): void {
    // After a failure there is no such job any more.
    if (this.#first !== place) return
    this.#first = place.next
    if (place.next === undefined) this.#last = undefined
    this.size -= place.job.size
    this.#startNext()
  }
}
