import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Runs Confluent Parallel Consumer as the benchmark's other system: key order,
 * all else as its documentation gives it. It does what work.go does for the Go
 * systems and counts on the same board; see board.go for the layout.
 */
public final class Runner {
    private static final int FINISHED = 0;
    private static final int BUSY = 8;
    private static final int LATENCIES = 64;
    private static final int BUCKETS = 100_000;
    private static final long BUCKET_NANOS = 50_000;
    private static final int TALLY = LATENCIES + BUCKETS * 8;
    private static final VarHandle LONGS =
            MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final MappedByteBuffer board;
    private final long sleepMillis;
    private final int stuckKeys;
    private final boolean tally;

    private Runner(MappedByteBuffer board, long sleepMillis, int stuckKeys, boolean tally) {
        this.board = board;
        this.sleepMillis = sleepMillis;
        this.stuckKeys = stuckKeys;
        this.tally = tally;
    }

    public static void main(String[] args) throws Exception {
        String broker = args[0];
        String topic = args[1];
        String group = args[2];
        int workers = Integer.parseInt(args[3]);
        MappedByteBuffer board;
        try (FileChannel file =
                FileChannel.open(Path.of(args[4]), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            board = file.map(FileChannel.MapMode.READ_WRITE, 0, file.size());
        }
        Runner runner = new Runner(
                board, Long.parseLong(args[5]), Integer.parseInt(args[6]), Boolean.parseBoolean(args[7]));
        ParallelStreamProcessor<byte[], byte[]> processor = processor(broker, group, workers);
        processor.subscribe(List.of(topic));
        processor.poll(context -> runner.perform(context.getSingleConsumerRecord().value()));
    }

    private static ParallelStreamProcessor<byte[], byte[]> processor(String broker, String group, int workers) {
        Properties consumer = new Properties();
        consumer.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
        consumer.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        // A static member, as holdfast is one: it has its partitions back at once after a kill.
        consumer.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, group);
        consumer.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        consumer.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        consumer.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        consumer.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        return ParallelStreamProcessor.createEosStreamProcessor(
                ParallelConsumerOptions.<byte[], byte[]>builder()
                        .ordering(ParallelConsumerOptions.ProcessingOrder.KEY)
                        .maxConcurrency(workers)
                        .consumer(new KafkaConsumer<>(consumer))
                        .build());
    }

    private void perform(byte[] bytes) {
        ByteBuffer value = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        long sent = value.getLong(12);
        if (sent != 0) {
            long bucket = Math.max(0, Math.min((nanos() - sent) / BUCKET_NANOS, BUCKETS - 1));
            LONGS.getAndAdd(board, LATENCIES + (int) bucket * 8, 1L);
        }
        if (sleepMillis > 0) {
            long start = System.nanoTime();
            work(value.getInt(8));
            LONGS.getAndAdd(board, BUSY, System.nanoTime() - start);
        }
        if (tally) {
            // One record runs once at a time: nobody else writes this byte.
            int at = TALLY + (int) value.getLong(0);
            board.put(at, (byte) (board.get(at) + 1));
        }
        LONGS.getAndAdd(board, FINISHED, 1L);
    }

    private void work(int key) {
        try {
            Thread.sleep(key < stuckKeys ? Long.MAX_VALUE : sleepMillis);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long nanos() {
        Instant now = Instant.now();
        return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }
}
