/* Memory that a process at rest gives back. */
#ifndef TH_PROGRAM_REST_H
#define TH_PROGRAM_REST_H

/* Free pages of the heap, and pages of program, tables and libraries that nothing has written to: they come back from the page cache, some
 * 10 µs each, when they are touched again. After the start most of them never are. */
void th_process_rest(void);

#endif
